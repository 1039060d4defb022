import ControlProtocol
import MutualTLS
import NIOCore
import NIOHTTP1

/// Stands last in a connection's pipeline: tells what phase it is in, and answers what is not HTTP.
final class ConnectionWatch: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private let id: Int
    private let caller: Caller
    private let source: String
    private let gate: RequestGate
    private let reception: Reception
    /// An answer has begun and not ended: no other may be put in between.
    private var answering = false
    /// What comes behind the first of it is garbage again.
    private var isGarbage = false

    init(id: Int, caller: Caller, source: String, gate: RequestGate, reception: Reception) {
        self.id = id
        self.caller = caller
        self.source = source
        self.gate = gate
        self.reception = reception
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head:
            reception.book.note(id, isBusy: true)
            gate.headEnded()
        case .body: break
        case .end: gate.requestEnded()
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(let head): answering = head.status.code >= 200
        case .body: break
        case .end:
            answering = false
            reception.book.note(id, isBusy: false)
            // Before the write: it may bring the next request's head with it.
            gate.answerEnded()
            context.write(data, promise: promise)
            gate.goOn()
            return
        }
        context.write(data, promise: promise)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let error = error as? HTTPParserError {
            answerGarbage(error, context)
            return
        }
        context.fireErrorCaught(error)
    }

    private func answerGarbage(_ error: HTTPParserError, _ context: ChannelHandlerContext) {
        guard !isGarbage, !gate.isClosing else { return }
        isGarbage = true
        reception.refusals.warning(
            "not HTTP",
            key: "not HTTP \(source)",
            fields: ["peer": caller.peer, "reason": "\(error)"]
        )
        let tooLarge = error == .headerOverflow
        let text =
            tooLarge
            ? "the request's headers are too large: 16 KiB and 64 fields are the most"
            : "the request is not HTTP/1.1"
        reception.connections.service.noteClosing(nil, by: caller, text)
        guard !answering else {
            context.close(promise: nil)
            return
        }
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
