import NIOCore

/// Between TLS and HTTP: closes what takes too long, and hands on one request at a time.
///
/// Each phase has one absolute deadline, so a peer that drips gains nothing. The parser would take apart all requests that came
/// together, at a hundred times their size in memory: what follows a request waits here, as bytes, for its answer.
final class RequestGate: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = NIOAny
    typealias OutboundOut = NIOAny

    private static let headSlice = 1 << 10
    private static let bodySlice = 4 << 10
    private static let mostHeld = 64 << 10

    private let limits: AgentListener.Limits
    private let report: (DropCause, String) -> Void
    private var clock = RequestClock()
    private var held = ByteBuffer()
    private var isFeeding = false
    private var deadline: Scheduled<Void>?
    private var armed: RequestClock.Phase?
    /// Writes that the peer has not taken yet.
    private var untaken = 0
    private var patience: Scheduled<Void>?
    /// What comes to its end by that was told already.
    private(set) var isClosing = false
    private var context: ChannelHandlerContext?

    init(limits: AgentListener.Limits, report: @escaping (DropCause, String) -> Void) {
        self.limits = limits
        self.report = report
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        arm()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        stop()
        self.context = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        stop()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        held.writeImmutableBuffer(unwrapInboundIn(data))
        feed(context)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        untaken += 1
        if untaken == 1 {
            patience = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(limits.unread)) {
                [self] in
                close(.unreadAnswer, "it did not read its answer in time", isHard: true)
            }
        }
        let taken = promise ?? context.eventLoop.makePromise(of: Void.self)
        taken.futureResult.assumeIsolated().whenComplete { [self] _ in
            untaken -= 1
            guard untaken == 0 else { return }
            patience?.cancel()
            patience = nil
        }
        context.write(data, promise: taken)
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        switch mode {
        case .all: stop()
        case .input, .output: break
        }
        context.close(mode: mode, promise: promise)
    }

    // MARK: - What stands above tells

    func headEnded() { move { $0.headEnded() } }
    func requestEnded() { move { $0.requestEnded() } }
    func answerEnded() { move { $0.answerEnded() } }

    /// The answer is written: the next request may come.
    func goOn() {
        guard let context, held.readableBytes > 0 else { return }
        feed(context)
        context.fireChannelReadComplete()
    }

    // MARK: - Bytes

    private func feed(_ context: ChannelHandlerContext) {
        guard !isFeeding else { return }
        isFeeding = true
        defer { isFeeding = false }
        while !isClosing, held.readableBytes > 0, let size = slice {
            guard let part = held.readSlice(length: min(size, held.readableBytes)) else { break }
            move { $0.bytesCame() }
            context.fireChannelRead(wrapInboundOut(part))
        }
        if held.readableBytes == 0 {
            held = ByteBuffer()
        } else if held.readableBytes > Self.mostHeld {
            close(.pipelined, "it sent more requests than it waited answers for", isHard: true)
        } else {
            held.discardReadBytes()
        }
    }

    /// Nil while an answer is under way.
    private var slice: Int? {
        switch clock.phase {
        case .idle, .head: Self.headSlice
        case .body, .farewell: Self.bodySlice
        case .answering: nil
        }
    }

    // MARK: - Deadlines

    private func move(_ change: (inout RequestClock) -> Void) {
        change(&clock)
        arm()
    }

    private func arm() {
        guard !isClosing, armed != clock.phase, let context else { return }
        armed = clock.phase
        deadline?.cancel()
        deadline = nil
        let (limit, cause, reason): (Duration, DropCause?, String)
        switch clock.phase {
        case .answering: return
        case .idle: (limit, cause, reason) = (limits.idle, nil, "")
        case .head: (limit, cause, reason) = (limits.head, .slowHead, "its request's headers took too long")
        case .body: (limit, cause, reason) = (limits.body, .slowBody, "its request's body took too long")
        case .farewell:
            (limit, cause, reason) = (limits.farewell, .slowBody, "it went on with a refused body")
        }
        deadline = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(limit)) { [self] in
            close(cause, reason, isHard: false)
        }
    }

    private func close(_ cause: DropCause?, _ reason: String, isHard: Bool) {
        guard !isClosing, let context else { return }
        isClosing = true
        if let cause { report(cause, reason) }
        stop()
        if isHard {
            context.triggerUserOutboundEvent(Doorstep.Abort(), promise: nil)
        } else {
            context.close(promise: nil)
        }
    }

    private func stop() {
        isClosing = true
        held = ByteBuffer()
        deadline?.cancel()
        deadline = nil
        patience?.cancel()
        patience = nil
    }
}
