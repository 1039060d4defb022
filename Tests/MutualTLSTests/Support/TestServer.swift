import NIOCore
import NIOPosix
import Testing

@testable import MutualTLS

/// A TLS server on a loopback port, and clients for it; every connection ends in a transcript.
struct TestServer {
    let port: Int
    private let transcripts: AsyncStream<Transcript>

    /// For clients of a server that somebody else runs.
    init(port: Int, transcripts: AsyncStream<Transcript> = AsyncStream { $0.finish() }) {
        self.port = port
        self.transcripts = transcripts
    }

    /// Asked at each new connection.
    enum Contexts: Sendable {
        case fixed(TLSContext)
        case reloading(ReloadingTLSContext)

        fileprivate func current() async -> TLSContext {
            switch self {
            case .fixed(let context): context
            case .reloading(let context): await context.current()
            }
        }
    }

    static func run<Result>(
        _ contexts: Contexts,
        part: Part = .echo,
        handshake: TimeAmount = .seconds(10),
        _ body: (TestServer) async throws -> Result
    ) async throws -> Result {
        let (transcripts, continuation) = AsyncStream<Transcript>.makeStream()
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(.allowRemoteHalfClosure, value: part.isHalfClosing)
            .childChannelInitializer { channel in
                channel.eventLoop.makeFutureWithTask { await contexts.current() }.flatMapThrowing { context in
                    let deadlines = TLSDeadlines(handshake: handshake)
                    try channel.pipeline.syncOperations.addHandlers(
                        try MutualTLSHandler(context: context, expecting: .anyClient, deadlines: deadlines),
                        Recorder(part) { continuation.yield($0) }
                    )
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(channel.localAddress?.port)
        let server = TestServer(port: port, transcripts: transcripts)
        do {
            let result = try await body(server)
            try await channel.close()
            return result
        } catch {
            try await channel.close()
            throw error
        }
    }

    /// What the server saw of the next connection that ended.
    func transcript() async throws -> Transcript {
        var iterator = transcripts.makeAsyncIterator()
        return try #require(await iterator.next())
    }

    /// Connects, plays `part`, and returns what the client saw once the connection has ended.
    func connect(
        _ client: TestClient?,
        part: Part = .expectEcho(ByteBuffer(string: "ping")),
        handshake: TimeAmount = .seconds(10)
    ) async throws -> Transcript {
        let ended = MultiThreadedEventLoopGroup.singleton.next().makePromise(of: Transcript.self)
        do {
            _ = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .channelOption(.allowRemoteHalfClosure, value: part.isHalfClosing)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        if let client {
                            try channel.pipeline.syncOperations.addHandler(
                                MutualTLSHandler(
                                    context: client.context,
                                    expecting: .server(client.expected),
                                    deadlines: .init(handshake: handshake)
                                )
                            )
                        }
                        try channel.pipeline.syncOperations.addHandler(Recorder(part) { ended.succeed($0) })
                    }
                }
                .connect(host: "127.0.0.1", port: port).get()
        } catch {
            ended.fail(error)
        }
        return try await ended.futureResult.get()
    }

    /// One connection between the two, as each saw it.
    static func meet(_ server: TLSContext, _ client: TestClient) async throws -> (
        server: Transcript, client: Transcript
    ) {
        try await run(.fixed(server)) { running in
            let clients = try await running.connect(client)
            return (try await running.transcript(), clients)
        }
    }
}

extension Part {
    fileprivate var isHalfClosing: Bool {
        switch self {
        case .echoAtEnd, .sendAndFinish: true
        case .echo, .farewell, .expectEcho, .raw, .drip, .vanish, .answer: false
        }
    }
}
