import AgentClient
import ControlProtocol
import Logs
import MutualTLS
import NIOCore
import NIOHTTP1
import NIOPosix
import Topology

/// What holds a host's certificate and its port, and answers every request with the same text, once or without end.
final class HostileAgent: Sendable {
    private let authority: TestAuthority
    private let channel: any Channel

    /// - Parameters:
    ///   - reason: the phrase beside the status, which is foreign text as well.
    ///   - pause: before the text is said again; nil for once.
    init(status: Int, reason: String = "OK", body: String, endless pause: TimeAmount? = nil) async throws {
        authority = try TestAuthority()
        let context = try authority.context("agent/s1").latest
        channel = try await ServerBootstrap(group: TestAgent.group)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHandler(MutualTLSHandler(context: context, expecting: .anyClient))
                    try pipeline.configureHTTPServerPipeline()
                    let head = HTTPResponseStatus.custom(code: UInt(status), reasonPhrase: reason)
                    try pipeline.addHandler(SameAnswer(status: head, body: body, pause: pause))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
    }

    func end() async throws { try await channel.close() }

    func client(log: LogCapture = LogCapture(), patience: Patience = Patience()) throws -> AgentClient {
        guard let name = HostName("s1"), let port = channel.localAddress?.port.flatMap({ Port($0) }) else {
            throw TestProblem("host or port")
        }
        return AgentClient(
            host: name,
            identity: try TestAuthority.peer("agent/s1"),
            address: "127.0.0.1",
            port: port,
            tls: try authority.context("coordinator/ops"),
            group: TestAgent.group,
            patience: patience,
            log: log.logger(.debug)
        )
    }
}

private final class SameAnswer: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let status: HTTPResponseStatus
    private let body: String
    private let pause: TimeAmount?

    init(status: HTTPResponseStatus, body: String, pause: TimeAmount?) {
        self.status = status
        self.body = body
        self.pause = pause
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .end = unwrapInboundIn(data) else { return }
        let head = HTTPResponseHead(
            version: .http1_1,
            status: status,
            headers: pause == nil ? ["content-length": "\(body.utf8.count)"] : [:]
        )
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if let pause { return say(again: pause, context) }
        context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: body)))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }

    private func say(again pause: TimeAmount, _ context: ChannelHandlerContext) {
        guard context.channel.isActive else { return }
        context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: body)))), promise: nil)
        _ = context.eventLoop.assumeIsolated().scheduleTask(in: pause) { self.say(again: pause, context) }
    }
}
