import AgentServer
import ControlProtocol
import FoundationEssentials
import Glibc
import MutualTLS
import NIOCore
import NIOPosix
import Testing

@Suite("Peers that take their time", .timeLimit(.minutes(10)))
struct SlowPeerTests {
    /// Sends `texts` with a pause after each, the last again and again, until the agent hangs up; what came back.
    private func drip(_ agent: TestAgent, _ identity: String?, _ texts: [String]) async throws -> String {
        let context = try identity.map { try agent.authority.context($0).latest }
        let channel = try await ClientBootstrap(group: TestAgent.group)
            .connect(host: "127.0.0.1", port: agent.port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let context {
                        try channel.pipeline.syncOperations.addHandler(
                            MutualTLSHandler(
                                context: context,
                                expecting: .server(TestAuthority.peer("agent/s1"))
                            )
                        )
                    }
                    return try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            let dripping = Task {
                for text in texts {
                    try await outbound.write(ByteBuffer(string: text))
                    try await Task.sleep(for: .milliseconds(50))
                }
                while let last = texts.last {
                    try await outbound.write(ByteBuffer(string: last))
                    try await Task.sleep(for: .milliseconds(50))
                }
            }
            defer { dripping.cancel() }
            var answer = ""
            do {
                for try await buffer in inbound { answer += String(buffer: buffer) }
            } catch {
                return answer
            }
            return answer
        }
    }

    @Test("a handshake that drips is ended")
    func handshake() async throws {
        let limits = AgentListener.Limits(handshake: .milliseconds(500))
        try await TestAgent.with(limits: limits) { agent in
            let hello = ["\u{16}", "\u{3}", "\u{1}", "\u{2}", "\u{0}", "\u{1}", "\u{0}"]
            let answer = try await drip(agent, nil, hello)
            #expect(answer.isEmpty)
            _ = await agent.log.line(with: "did not begin a handshake in time")
        }
    }

    @Test("headers that drip are ended, also behind a request that was answered")
    func head() async throws {
        let limits = AgentListener.Limits(head: .milliseconds(500))
        try await TestAgent.with(limits: limits) { agent in
            let none = try await drip(agent, "viewer/v", ["GET /v1/status HTTP/1.1\r\n", "x-a: b\r\n"])
            #expect(none.isEmpty)
            _ = await agent.log.line(with: "headers took too long")
            let whole = "GET /v1/status HTTP/1.1\r\nhost: x\r\n\r\n"
            let one = try await drip(agent, "viewer/v", [whole, "GET ", "/"])
            #expect(one.hasPrefix("HTTP/1.1 200 "))
        }
    }

    @Test("a coordinator's body that drips is ended, and a refused one sooner")
    func body() async throws {
        let post = "POST /v1/lease HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n"
        try await TestAgent.with(limits: AgentListener.Limits(body: .milliseconds(500))) { agent in
            let answer = try await drip(agent, "coordinator/ops", [post, " "])
            #expect(answer.isEmpty)
            _ = await agent.log.line(with: "body took too long")
        }
        let wrong = "POST /v1/nowhere HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
        try await TestAgent.with(limits: AgentListener.Limits(farewell: .milliseconds(500))) { agent in
            let answer = try await drip(agent, "coordinator/ops", [wrong, "1\r\na\r\n"])
            #expect(answer.hasPrefix("HTTP/1.1 404 "))
            _ = await agent.log.line(with: "went on with a refused body")
        }
    }

    @Test("a peer that does not read its answers loses its place")
    func unread() async throws {
        // More than the kernel keeps for both, and soon.
        let limits = AgentListener.Limits(
            unread: .milliseconds(500),
            pace: RequestPace.Limits(burst: 10_000)
        )
        try await TestAgent.with(limits: limits) { agent in
            let crowd = HostileCrowd(agent)
            try await crowd.gather(1, ofEach: [.neverReading], identities: 1)
            _ = await agent.log.line(with: "did not read its answer in time")
            await crowd.disperse()
        }
    }
}
