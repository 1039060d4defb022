import AgentClient
import ControlProtocol
import NIOCore
import NIOPosix
import Testing
import Topology

@Suite("What a client makes of an agent's absence", .timeLimit(.minutes(10)))
struct ClientTests {
    @Test("an agent that is gone before the request is unreachable: nothing was sent")
    func goneBefore() async throws {
        let agent = try await TestAgent.start()
        let client = try agent.client()
        _ = try await client.status()
        await agent.end()
        for _ in 1...2 {
            let error = await #expect(throws: AgentClientError.self) {
                try await client.perform(Sample.command(Sample.lease()))
            }
            guard case .unreachable? = error else {
                Issue.record("\(String(describing: error))")
                return
            }
        }
    }

    @Test("an agent that dies while a command runs leaves a lost reply: it may have happened")
    func goneMeanwhile() async throws {
        let agent = try await TestAgent.start(grace: .zero)
        let client = try agent.client()
        _ = try await client.acquire(Sample.request(Sample.lease()))
        agent.host.hold()
        let caller = Task { try await client.perform(Sample.command(Sample.lease())) }
        await agent.host.begun(1)
        await agent.quit()
        let error = await #expect(throws: AgentClientError.self) { try await caller.value }
        guard case .replyLost? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        agent.host.release()
    }

    @Test("calls reuse a connection, and get over an agent's restart in between")
    func reuse() async throws {
        let first = try await TestAgent.start()
        let client = try first.client()
        for _ in 1...3 { _ = try await client.status() }
        let page = try await RawConnection.open(first)
            .exchange("GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        #expect(page.contains("mitosis_agent_connections 2\n"))
        await first.end()
        let second = try await TestAgent.start(after: first)
        #expect(try await client.status().host.description == "s1")
        await second.end()
    }

    @Test("a slow command stays alive by the agent's pulse; a silent peer is given up as a lost reply")
    func silence() async throws {
        let agent = try await TestAgent.start()
        let client = try agent.client(patience: Patience(silence: .milliseconds(1800)))
        _ = try await client.acquire(Sample.request(Sample.lease()))
        agent.host.hold()
        let log = EventLog()
        let outcome = try await client.perform(Sample.command(Sample.lease())) { event in
            log.add(event)
            if log.events.count == 5 { agent.host.release() }
        }
        #expect(outcome == .done(result: .rules(rules: ScriptedHost.rules(count: 1))))
        agent.host.hold()
        let impatient = try agent.client(patience: Patience(silence: .milliseconds(200)))
        let error = await #expect(throws: AgentClientError.self) {
            try await impatient.perform(Sample.command(Sample.lease(), id: "other"))
        }
        guard case .replyLost(_, let reason)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(reason.contains("no answer for 0.2 s"))
        await agent.end()
    }

    @Test("a port where something silent listens is unreachable within the connect deadline")
    func silentPort() async throws {
        let silent = try await ServerBootstrap(group: TestAgent.group).bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(silent.localAddress?.port.flatMap { Port($0) })
        let authority = try TestAuthority()
        let client = AgentClient(
            host: try #require(HostName("s1")),
            identity: try TestAuthority.peer("agent/s1"),
            address: "127.0.0.1",
            port: port,
            tls: try authority.context("coordinator/ops"),
            group: TestAgent.group,
            patience: Patience(connect: .milliseconds(300))
        )
        let error = await #expect(throws: AgentClientError.self) { try await client.status() }
        guard case .unreachable(_, let reason)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(reason.contains("300 ms"))
        try await silent.close()
    }
}
