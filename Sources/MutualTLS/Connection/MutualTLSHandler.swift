package import NIOCore
internal import NIOTLS

/// TLS 1.3 with certificates on both sides, as the first handler of a channel.
///
/// Fires `MutualTLSEvent.established` and `TLSUserEvent.handshakeCompleted` once the peer is verified, and a
/// `TLSError` when it is not. A client's handshake ends before the server has judged it: its refusal arrives
/// as a later `TLSError.refusedByPeer`. No plaintext reaches the pipeline before `established`.
package final class MutualTLSHandler: ChannelDuplexHandler {
    package typealias InboundIn = ByteBuffer
    package typealias InboundOut = ByteBuffer
    package typealias OutboundIn = ByteBuffer
    package typealias OutboundOut = ByteBuffer

    private enum State {
        case idle
        case handshaking
        case established(Directions)
        /// Our last bytes are on their way; whatever still comes in is dropped.
        case lingering
        case closed
    }

    private struct Directions {
        var receiving = true
        var sending = true
    }

    /// Set from the moment of `MutualTLSEvent.established`.
    package private(set) var peer: EstablishedPeer?
    private let connection: TLSConnection
    private let deadlines: TLSDeadlines
    private var state = State.idle
    private var pending = PendingWrites()
    private var deadline: Scheduled<Void>?
    private var deliveredSinceRead = false

    package init(
        context: TLSContext,
        expecting expected: ExpectedPeer,
        deadlines: TLSDeadlines = TLSDeadlines()
    ) throws(TLSError) {
        connection = try TLSConnection(context: context, expecting: expected)
        self.deadlines = deadlines
    }

    /// The verified peer of `channel`, nil before the handshake; fails when the channel has no such handler.
    package static func peer(of channel: any Channel) -> EventLoopFuture<EstablishedPeer?> {
        channel.eventLoop.submit {
            try channel.pipeline.syncOperations.handler(type: MutualTLSHandler.self).peer
        }
    }

    package func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { start(context) }
    }

    package func handlerRemoved(context: ChannelHandlerContext) { finish(ChannelError.ioOnClosedChannel) }

    package func channelActive(context: ChannelHandlerContext) {
        start(context)
        context.fireChannelActive()
    }

    package func channelInactive(context: ChannelHandlerContext) {
        let lost = endOfInput
        finish(lost ?? ChannelError.ioOnClosedChannel)
        if let lost { context.fireErrorCaught(lost) }
        context.fireChannelInactive()
    }

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch state {
        case .lingering, .closed: return
        case .idle: start(context)
        case .handshaking, .established: break
        }
        guard connection.receive(unwrapInboundIn(data)) else {
            refuse(.library(operation: "buffer what was received", detail: "out of memory"), context)
            return
        }
        if case .handshaking = state { advance(context) }
        deliver(context)
    }

    package func channelReadComplete(context: ChannelHandlerContext) {
        let delivered = deliveredSinceRead
        deliveredSinceRead = false
        context.fireChannelReadComplete()
        // Nobody above saw anything, so nobody above will ask for more.
        if !delivered { context.read() }
    }

    package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case ChannelEvent.inputClosed = event else {
            context.fireUserInboundEventTriggered(event)
            return
        }
        switch state {
        case .established(let directions) where !directions.receiving: return
        case .idle, .handshaking, .established, .lingering, .closed: context.close(promise: nil)
        }
    }

    package func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch state {
        case .idle, .handshaking: pending.append(unwrapOutboundIn(data), promise)
        case .established(let directions) where directions.sending:
            pending.append(unwrapOutboundIn(data), promise)
        case .established: promise?.fail(ChannelError.outputClosed)
        case .lingering, .closed: promise?.fail(ChannelError.ioOnClosedChannel)
        }
    }

    package func flush(context: ChannelHandlerContext) {
        pending.mark()
        encryptPending(context)
    }

    package func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        switch (mode, state) {
        case (.output, .established(var directions)) where directions.sending:
            encryptPending(context)
            pending.failAll(ChannelError.outputClosed)
            directions.sending = false
            state = .established(directions)
            connection.sayGoodbye()
            sendOutput(context)
            context.close(mode: .output, promise: promise)
        case (.all, .established(let directions)):
            encryptPending(context)
            if directions.sending { connection.sayGoodbye() }
            pending.failAll(ChannelError.ioOnClosedChannel)
            sendOutput(context)
            linger(context, waiting: deadlines.flushing, promise: promise)
        case (.all, .lingering):
            context.channel.closeFuture.cascade(to: promise)
        case (.all, .handshaking), (.output, .handshaking):
            // Asked for here: that the peer is not yet known is no error.
            finish(ChannelError.ioOnClosedChannel)
            context.close(promise: promise)
        case (.input, _), (.all, .idle), (.all, .closed), (.output, .idle), (.output, .established),
            (.output, .lingering), (.output, .closed):
            context.close(mode: mode, promise: promise)
        }
    }
}

// MARK: - Handshake

extension MutualTLSHandler {
    private func start(_ context: ChannelHandlerContext) {
        guard case .idle = state else { return }
        state = .handshaking
        let limit = deadlines.handshake
        deadline = context.eventLoop.assumeIsolated().scheduleTask(in: limit) { [self] in
            guard case .handshaking = state else { return }
            let error = TLSError.handshakeTimedOut(milliseconds: limit.nanoseconds / 1_000_000)
            finish(error)
            context.fireErrorCaught(error)
            context.close(promise: nil)
        }
        advance(context)
        context.read()
    }

    private func advance(_ context: ChannelHandlerContext) {
        switch connection.handshake() {
        case .needsInput: sendOutput(context)
        case .failed(let error): refuse(error, context)
        case .done:
            sendOutput(context)
            establish(context)
        }
    }

    private func establish(_ context: ChannelHandlerContext) {
        do throws(TLSError) {
            let peer = try connection.peer()
            deadline?.cancel()
            deadline = nil
            self.peer = peer
            state = .established(Directions())
            context.fireUserInboundEventTriggered(MutualTLSEvent.established(peer))
            context.fireUserInboundEventTriggered(TLSUserEvent.handshakeCompleted(negotiatedProtocol: nil))
            encryptPending(context)
        } catch {
            refuse(error, context)
        }
    }
}

// MARK: - Data

extension MutualTLSHandler {
    private func deliver(_ context: ChannelHandlerContext) {
        var plaintext = context.channel.allocator.buffer(capacity: 0)
        // Each round looks at the state anew: whoever receives plaintext may close the channel meanwhile.
        while case .established(let directions) = state, directions.receiving {
            let received = connection.read(into: &plaintext)
            if case .plaintext = received, plaintext.readableBytes < TLSConnection.chunk { continue }
            if plaintext.readableBytes > 0 {
                deliveredSinceRead = true
                let full = plaintext
                plaintext = context.channel.allocator.buffer(capacity: 0)
                context.fireChannelRead(wrapInboundOut(full))
            }
            switch received {
            case .plaintext: continue
            case .needsInput:
                sendOutput(context)
                return
            case .finished:
                closeInput(context)
                return
            case .failed(let error):
                refuse(error, context)
                return
            }
        }
    }

    /// The peer has said goodbye: the other direction stays open only where the channel allows it.
    private func closeInput(_ context: ChannelHandlerContext) {
        guard case .established(var directions) = state else { return }
        directions.receiving = false
        state = .established(directions)
        if directions.sending, allowsHalfClosure(context.channel) {
            context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        } else {
            close(context: context, mode: .all, promise: nil)
        }
    }

    private func allowsHalfClosure(_ channel: any Channel) -> Bool {
        do {
            return try channel.syncOptions?.getOption(.allowRemoteHalfClosure) ?? false
        } catch {
            // A channel without such an option has no halves.
            return false
        }
    }

    private func encryptPending(_ context: ChannelHandlerContext) {
        guard case .established(let directions) = state, directions.sending else { return }
        while let batch = pending.nextBatch() {
            var bytes = batch.bytes
            let written = batch.promises.isEmpty ? nil : context.eventLoop.makePromise(of: Void.self)
            for promise in batch.promises { written?.futureResult.cascade(to: promise) }
            do throws(TLSError) {
                repeat {
                    if bytes.readableBytes > 0 { try connection.encrypt(&bytes) }
                    let output = connection.takeOutput(context.channel.allocator) ?? ByteBuffer()
                    context.write(wrapOutboundOut(output), promise: bytes.readableBytes == 0 ? written : nil)
                } while bytes.readableBytes > 0
            } catch {
                written?.fail(error)
                refuse(error, context)
                return
            }
        }
        context.flush()
    }

    private func sendOutput(_ context: ChannelHandlerContext) {
        guard let output = connection.takeOutput(context.channel.allocator) else { return }
        context.writeAndFlush(wrapOutboundOut(output), promise: nil)
    }
}

// MARK: - Ending

extension MutualTLSHandler {
    /// What it means that the peer's bytes end here.
    private var endOfInput: TLSError? {
        switch state {
        case .handshaking: .closedDuringHandshake
        case .established(let directions): directions.receiving ? .truncated : nil
        case .idle, .lingering, .closed: nil
        }
    }

    private func refuse(_ error: TLSError, _ context: ChannelHandlerContext) {
        switch state {
        case .lingering, .closed: return
        case .idle, .handshaking, .established: break
        }
        if error == .plainHTTP {
            let text = context.channel.allocator.buffer(string: MutualTLSHandler.plainHTTPReply)
            context.writeAndFlush(wrapOutboundOut(text), promise: nil)
        } else {
            sendOutput(context)
        }
        pending.failAll(error)
        linger(context, waiting: deadlines.lingering, promise: nil)
        context.fireErrorCaught(error)
    }

    /// Shuts our direction once everything is written, then waits a moment for the peer's end.
    private func linger(
        _ context: ChannelHandlerContext,
        waiting limit: TimeAmount,
        promise: EventLoopPromise<Void>?
    ) {
        state = .lingering
        context.channel.closeFuture.cascade(to: promise)
        closeAfter(limit, context)
        let written = context.eventLoop.makePromise(of: Void.self)
        written.futureResult.assumeIsolated().whenComplete { [self] result in
            guard case .lingering = state else { return }
            switch result {
            case .success: closeAfter(deadlines.lingering, context)
            case .failure: context.close(promise: nil)
            }
        }
        context.close(mode: .output, promise: written)
        context.read()
    }

    private func closeAfter(_ limit: TimeAmount, _ context: ChannelHandlerContext) {
        deadline?.cancel()
        deadline = context.eventLoop.assumeIsolated().scheduleTask(in: limit) { [self] in
            guard case .lingering = state else { return }
            context.close(promise: nil)
        }
    }

    private func finish(_ error: any Error) {
        state = .closed
        deadline?.cancel()
        deadline = nil
        pending.failAll(error)
    }

    private static let plainHTTPReply =
        "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n"
        + "This port speaks TLS 1.3 and asks for a client certificate: use https.\n"
}
