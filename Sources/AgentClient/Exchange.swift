import FoundationEssentials
import NIOCore
import NIOHTTP1
import NIOTLS

/// One request and the stream that its answer goes to; what `ExchangeHandler` takes for a write.
struct Exchange: Sendable {
    enum Limit: Hashable, Sendable {
        case total(TimeAmount)
        case silence(TimeAmount)

        var amount: TimeAmount {
            switch self {
            case .total(let amount), .silence(let amount): amount
            }
        }
    }

    let head: HTTPRequestHead
    let body: ByteBuffer
    let limit: Limit
    let answer: AsyncThrowingStream<HTTPClientResponsePart, any Error>.Continuation
}

enum ExchangeFailure: Error, CustomStringConvertible {
    case closed
    case busy
    case overdue(TimeAmount)
    case cancelled

    var description: String {
        switch self {
        case .closed: "the agent closed the connection"
        case .busy: "the connection is in use"
        case .overdue(let amount): "no answer for \(Double(amount.nanoseconds) / 1e9) s"
        case .cancelled: "the call was given up"
        }
    }
}

/// Last in the pipeline: turns an `Exchange` into a request and passes the answer on to its stream.
final class ExchangeHandler: ChannelDuplexHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundIn = Exchange
    typealias OutboundOut = HTTPClientRequestPart

    private enum State {
        case handshaking
        case idle
        case exchanging(Exchange, overdue: Scheduled<Void>)
        case ended
    }

    private var state = State.handshaking
    /// The first error says what happened; later ones are its consequences.
    private var failure: (any Error)?
    let ready: EventLoopPromise<Void>

    /// `ready` succeeds when the handshake is over, and fails when the channel ends before.
    init(ready: EventLoopPromise<Void>) { self.ready = ready }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted? = event as? TLSUserEvent, case .handshaking = state {
            state = .idle
            ready.succeed()
        }
        context.fireUserInboundEventTriggered(event)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let exchange = unwrapOutboundIn(data)
        switch state {
        case .idle: break
        case .handshaking, .exchanging:
            exchange.answer.finish(throwing: ExchangeFailure.busy)
            promise?.fail(ExchangeFailure.busy)
            return
        case .ended:
            exchange.answer.finish(throwing: failure ?? ExchangeFailure.closed)
            promise?.fail(failure ?? ExchangeFailure.closed)
            return
        }
        state = .exchanging(exchange, overdue: schedule(exchange, context))
        context.write(wrapOutboundOut(.head(exchange.head)), promise: nil)
        if exchange.body.readableBytes > 0 {
            context.write(wrapOutboundOut(.body(.byteBuffer(exchange.body))), promise: nil)
        }
        context.write(wrapOutboundOut(.end(nil)), promise: promise)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .exchanging(let exchange, let overdue) = state else {
            // An answer that nobody asked for: this connection cannot be trusted with another request.
            context.close(promise: nil)
            return
        }
        let part = unwrapInboundIn(data)
        exchange.answer.yield(part)
        switch part {
        case .head, .body:
            guard case .silence = exchange.limit else { return }
            overdue.cancel()
            state = .exchanging(exchange, overdue: schedule(exchange, context))
        case .end:
            overdue.cancel()
            state = .idle
            exchange.answer.finish()
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        failure = failure ?? error
        end()
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        end()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { end() }

    private func end() {
        let reason = failure ?? ExchangeFailure.closed
        switch state {
        case .handshaking: ready.fail(reason)
        case .exchanging(let exchange, let overdue):
            overdue.cancel()
            exchange.answer.finish(throwing: reason)
        case .idle, .ended: break
        }
        state = .ended
    }

    private func schedule(_ exchange: Exchange, _ context: ChannelHandlerContext) -> Scheduled<Void> {
        let amount = exchange.limit.amount
        let channel = context.channel
        return context.eventLoop.assumeIsolated().scheduleTask(in: amount) {
            self.failure = self.failure ?? ExchangeFailure.overdue(amount)
            self.end()
            channel.close(promise: nil)
        }
    }
}
