import FoundationEssentials
import NIOCore
import NIOHTTP1
import NIOTLS
import Synchronization

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
    /// It came, and did not come to its end.
    case overlong(Duration)
    case cancelled

    var description: String {
        switch self {
        case .closed: "the agent closed the connection"
        case .busy: "the connection is in use"
        case .overdue(let amount): "no answer for \(Double(amount.nanoseconds) / 1e9) s"
        case .overlong(let limit): "no end of the answer for \(limit)"
        case .cancelled: "the call was given up"
        }
    }
}

/// The first error of a connection, which says what happened; later ones are its consequences.
///
/// Outlives the pipeline: a refusal may have come and gone before a request is written.
final class FailureNote: Sendable {
    private let kept = Mutex<(any Error)?>(nil)

    var first: (any Error)? { kept.withLock { $0 } }

    func add(_ error: any Error) { kept.withLock { $0 = $0 ?? error } }
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
    /// Bytes of the present answer: whoever reads it may be slower than an agent that sends without end.
    private var received = 0
    private let failure: FailureNote
    private let ready: EventLoopPromise<Void>

    /// `ready` succeeds when the handshake is over, and fails when the channel ends before.
    init(ready: EventLoopPromise<Void>, failure: FailureNote) {
        self.ready = ready
        self.failure = failure
    }

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
            promise?.fail(ExchangeFailure.busy)
            return
        case .ended:
            promise?.fail(failure.first ?? ExchangeFailure.closed)
            return
        }
        state = .exchanging(exchange, overdue: schedule(exchange, context))
        received = 0
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
        if case .body(let buffer) = part {
            received += buffer.readableBytes
            guard received <= ReplyReader.limit else {
                failure.add(ReplyReader.Excess())
                end()
                context.close(promise: nil)
                return
            }
        }
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
        failure.add(error)
        end()
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        end()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { end() }

    private func end() {
        let reason = failure.first ?? ExchangeFailure.closed
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
            self.failure.add(ExchangeFailure.overdue(amount))
            self.end()
            channel.close(promise: nil)
        }
    }
}
