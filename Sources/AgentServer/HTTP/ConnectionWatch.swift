import ControlProtocol
import MutualTLS
import NIOCore
import NIOHTTP1

/// Stands last in a connection's pipeline: says in the log why a peer was refused, answers what is not HTTP, and
/// closes what idles.
final class ConnectionWatch: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private let peer: PeerRecord
    private let address: String
    private let counters: AgentCounters
    private let book: ConnectionBook
    private let refusals: RefusalLog
    /// An answer has begun and not ended: no other may be put in between.
    private var answering = false

    init(
        peer: PeerRecord,
        address: String,
        counters: AgentCounters,
        book: ConnectionBook,
        refusals: RefusalLog
    ) {
        self.peer = peer
        self.address = address
        self.counters = counters
        self.book = book
        self.refusals = refusals
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(let head): answering = head.status.code >= 200
        case .body: break
        case .end: answering = false
        }
        context.write(data, promise: promise)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .established(let established)? = event as? MutualTLSEvent {
            guard book.establish(context.channel) else {
                counters.countDrop()
                refusals.warning("connection not taken", peer: address, reason: "too many connections")
                context.close(promise: nil)
                return
            }
            peer.note(established)
        }
        guard event is IdleStateHandler.IdleStateEvent else {
            context.fireUserInboundEventTriggered(event)
            return
        }
        context.close(promise: nil)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let error = error as? HTTPParserError {
            answerGarbage(error, context)
            return
        }
        if let error = error as? TLSError, error != .truncated {
            counters.countTLSRefusal()
            refusals.warning("connection refused", peer: address, reason: error.description)
        }
        context.fireErrorCaught(error)
    }

    private func answerGarbage(_ error: HTTPParserError, _ context: ChannelHandlerContext) {
        refusals.warning("not HTTP", peer: address, reason: "\(error)")
        guard !answering else {
            context.close(promise: nil)
            return
        }
        let tooLarge = error == .headerOverflow
        let text =
            tooLarge
            ? "the request's headers are too large: 16 KiB and 64 fields are the most"
            : "the request is not HTTP/1.1"
        let reply = HTTPReply.error(tooLarge ? 431 : 400, text, refusal: .invalid(reason: text))
        guard case .whole(let content) = reply.body else { return }
        let head = HTTPResponseHead(
            version: .http1_1,
            status: HTTPResponseStatus(statusCode: reply.status),
            headers: [
                "content-type": reply.contentType, "content-length": "\(content.count)",
                "connection": "close",
            ]
        )
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: content)))), promise: nil)
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(.end(nil))).assumeIsolated().whenComplete { _ in
            channel.close(promise: nil)
        }
    }
}
