import MutualTLS
import NIOCore

/// First in the pipeline of a new connection: nothing is spent on the peer before its first TLS record is whole.
///
/// Its deadline for the handshake runs from the first moment. Afterwards it lets everything pass but `Abort`.
final class Doorstep: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Closes the connection without a last word to the peer.
    struct Abort: Sendable {}

    private enum State {
        case waiting
        /// The context is looked for; nothing is read meanwhile.
        case opening
        case open
        case closed
    }

    /// More than a record's worth before it was asked for.
    private static let most = 64 << 10

    private let id: Int
    private let address: String
    private let source: String
    private let reception: Reception
    private let begin = NIODeadline.now()
    private var state = State.waiting
    private var first = FirstRecord()
    private var isReadHeldBack = false
    private var deadline: Scheduled<Void>?

    init(id: Int, address: String, source: String, reception: Reception) {
        self.id = id
        self.address = address
        self.source = source
        self.reception = reception
    }

    private var end: NIODeadline { begin + TimeAmount(reception.limits.handshake) }

    func channelActive(context: ChannelHandlerContext) {
        deadline = context.eventLoop.assumeIsolated().scheduleTask(deadline: end) { [self] in
            switch state {
            case .waiting, .opening:
                reception.note(
                    .slowHandshake,
                    "it did not begin a handshake in time",
                    at: address,
                    source: source
                )
                finish(context)
            case .open, .closed: return
            }
        }
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        finish(context)
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch state {
        case .open: context.fireChannelRead(data)
        case .closed: return
        case .waiting, .opening:
            first.append(unwrapInboundIn(data))
            guard first.bytes.readableBytes <= Self.most else {
                finish(context)
                return
            }
            if case .waiting = state { judge(context) }
        }
    }

    func read(context: ChannelHandlerContext) {
        switch state {
        case .opening: isReadHeldBack = true
        case .waiting, .open, .closed: context.read()
        }
    }

    func triggerUserOutboundEvent(
        context: ChannelHandlerContext,
        event: Any,
        promise: EventLoopPromise<Void>?
    ) {
        guard event is Abort else {
            context.triggerUserOutboundEvent(event, promise: promise)
            return
        }
        promise?.succeed(())
        finish(context)
    }

    private func judge(_ context: ChannelHandlerContext) {
        switch first.judgement {
        case .incomplete: return
        case .refused(let error):
            reception.counters.countTLSRefusal()
            reception.refusals.warning(
                "connection refused",
                key: "tls \(source)",
                fields: ["peer": address, "reason": error.description]
            )
            finish(context)
        case .whole:
            state = .opening
            let reception = reception
            if let displaced = reception.book.greet(id) {
                reception.drop(
                    displaced,
                    .handshake,
                    "its handshake is the oldest of too many unfinished ones: \(reception.limits.handshakes)"
                )
            }
            context.eventLoop.makeFutureWithTask { await reception.tls.current() }
                .assumeIsolated().whenComplete { [self] result in
                    guard case .opening = state else { return }
                    switch result {
                    case .success(let tls): open(context, tls)
                    case .failure: finish(context)
                    }
                }
        }
    }

    private func open(_ context: ChannelHandlerContext, _ tls: TLSContext) {
        let left = max(end - .now(), .milliseconds(1))
        do {
            let pipeline = context.pipeline.syncOperations
            try pipeline.addHandler(
                MutualTLSHandler(
                    context: tls,
                    expecting: .anyClient,
                    deadlines: TLSDeadlines(handshake: left)
                )
            )
            try pipeline.addHandler(
                Entrance(id: id, address: address, source: source, context: tls, reception: reception)
            )
        } catch {
            finish(context)
            return
        }
        state = .open
        deadline?.cancel()
        deadline = nil
        context.fireChannelRead(wrapInboundOut(first.bytes))
        context.fireChannelReadComplete()
        first = FirstRecord()
        if isReadHeldBack {
            isReadHeldBack = false
            context.read()
        }
    }

    private func finish(_ context: ChannelHandlerContext) {
        deadline?.cancel()
        deadline = nil
        if case .closed = state { return }
        state = .closed
        first = FirstRecord()
        context.close(promise: nil)
    }
}
