import NIOCore
import NIOPosix
import Testing

/// A loopback server without TLS that answers like a ZooKeeper, or not at all.
struct PlainServer {
    let port: Int
    let channel: any Channel

    static func start(answering: Bool = true) async throws -> PlainServer {
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if answering { try channel.pipeline.syncOperations.addHandler(Babbler()) }
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return PlainServer(port: try #require(channel.localAddress?.port), channel: channel)
    }
}

private final class Babbler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let text = ByteBuffer(string: "This ZooKeeper instance is not currently serving requests\n")
        context.writeAndFlush(wrapOutboundOut(text), promise: nil)
    }
}
