import FoundationEssentials
import MutualTLS
import NIOCore
import NIOHTTP1
import NIOPosix
import Testing

/// A real server with a host's real certificate, which answers every request with the same text, whatever it is.
final class LyingAgent {
    let port: Int
    private let channel: any Channel

    /// - Parameter files: of a certificate that names the host.
    init(_ files: TLSFiles, in domain: TrustDomain, saying text: String, status: HTTPResponseStatus = .ok)
        async throws
    {
        let context = try TLSContext(files: files, trustDomain: domain)
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHandler(MutualTLSHandler(context: context, expecting: .anyClient))
                    try pipeline.configureHTTPServerPipeline(withErrorHandling: false)
                    try pipeline.addHandler(Answer(text: text, status: status))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        port = try #require(channel.localAddress?.port)
    }

    func end() async throws { try await channel.close() }

    private final class Answer: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        private let text: String
        private let status: HTTPResponseStatus

        init(text: String, status: HTTPResponseStatus) {
            self.text = text
            self.status = status
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            guard case .end = unwrapInboundIn(data) else { return }
            let headers: HTTPHeaders = [
                "content-type": "application/json", "content-length": "\(text.utf8.count)",
            ]
            context.write(
                wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: status, headers: headers))),
                promise: nil
            )
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: text)))), promise: nil)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        }
    }
}
