import AgentClient
import ControlProtocol
import Logs
import Testing

@Suite("What a client logs", .timeLimit(.minutes(10)))
struct ClientLogTests {
    @Test("connections at debug, refusals at info")
    func connectsAndRefusals() async throws {
        try await TestAgent.with { agent in
            let all = LogCapture()
            let client = try agent.client(log: all.logger(.debug))
            _ = try await client.acquire(Sample.request(Sample.lease("a", 2)))
            await #expect(throws: AgentClientError.self) {
                try await client.acquire(Sample.request(Sample.lease("a", 1)))
            }
            #expect(all.lines.count == 2)
            #expect(
                all.lines.first?.hasPrefix("debug connected to an agent host=s1 address=127.0.0.1 port=")
                    == true
            )
            let refused = "info an agent refused host=s1 path=/v1/lease status=409 reason="
            #expect(all.lines.last?.hasPrefix(refused) == true)
        }
    }

    @Test("an agent that is gone")
    func gone() async throws {
        let agent = try await TestAgent.start()
        let lines = LogCapture()
        let client = try agent.client(log: lines.logger(.info))
        await agent.end()
        await #expect(throws: AgentClientError.self) { try await client.status() }
        #expect(lines.lines.count == 1)
        #expect(
            lines.lines.first?.hasPrefix("info no connection to an agent: cannot reach the agent of s1")
                == true
        )
    }
}
