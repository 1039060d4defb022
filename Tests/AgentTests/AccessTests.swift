import AgentClient
import AgentServer
import ControlProtocol
import MutualTLS
import Testing
import Topology

@Suite("Who may do what", .timeLimit(.minutes(1)))
struct AccessTests {
    @Test("a viewer reads status and metrics, and is refused a command with the reason in the agent's log")
    func viewer() async throws {
        try await TestAgent.with { agent in
            let viewer = try agent.client("viewer/grafana")
            #expect(try await viewer.status().host.description == "s1")
            let page = try await RawConnection.open(agent, "viewer/grafana")
                .exchange("GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            #expect(page.hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(page.contains("mitosis_rules_installed 4\n"))

            let outcome = try await viewer.perform(Sample.command(Sample.lease()))
            guard case .refused(.notAllowed(let reason)) = outcome else {
                Issue.record("\(outcome)")
                return
            }
            #expect(reason.contains("spiffe://mitosis/viewer/grafana is a viewer"))
            let line = await agent.log.line(with: "request denied")
            #expect(line.contains("identity=spiffe://mitosis/viewer/grafana"))
            #expect(line.contains("POST /v1/commands"))
            #expect(agent.host.performed.isEmpty)
        }
    }

    @Test("every other route is closed to a viewer, and every route to an agent")
    func closed() async throws {
        try await TestAgent.with { agent in
            for (path, method) in Route.table {
                let path = path.replacing("{id}", with: "x")
                let request = "\(method.rawValue) \(path) HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
                let open = path == "/v1/status" || path == "/metrics"
                let viewer = try await RawConnection.open(agent, "viewer/v").exchange(request)
                #expect(viewer.hasPrefix(open ? "HTTP/1.1 200 " : "HTTP/1.1 403 "), "\(path)")
                let other = try await RawConnection.open(agent, "agent/s2").exchange(request)
                #expect(other.hasPrefix("HTTP/1.1 403 "), "\(path)")
            }
            #expect(await agent.log.line(with: "spiffe://mitosis/agent/s2 is an agent").contains("denied"))
        }
    }

    @Test("a client that expects another host refuses this one's certificate, and the agent's log says so")
    func otherHost() async throws {
        try await TestAgent.with { agent in
            let client = try agent.client(host: "s2")
            let error = await #expect(throws: AgentClientError.self) { try await client.status() }
            guard case .identity(_, let reason)? = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(reason.contains("agent/s1"))
            let line = await agent.log.line(with: "connection refused")
            #expect(line.contains("peer=127.0.0.1:"))
        }
    }

    @Test("a certificate of another authority is refused, with the reason on both sides")
    func otherAuthority() async throws {
        try await TestAgent.with { agent in
            let stranger = try TestAuthority()
            let files = try stranger.issue("coordinator/eve")
            let own = try agent.authority.issue("viewer/x")
            let mixed = TLSFiles(certificate: files.certificate, key: files.key, authority: own.authority)
            let context = try ReloadingTLSContext(
                files: mixed,
                trustDomain: agent.authority.domain,
                role: .client(expecting: TestAuthority.peer("agent/s1"))
            ) { _ in }
            let client = AgentClient(
                host: try #require(HostName("s1")),
                address: "127.0.0.1",
                port: try #require(Port(agent.port)),
                tls: context,
                group: TestAgent.group
            )
            let error = await #expect(throws: AgentClientError.self) { try await client.status() }
            guard case .identity? = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            let line = await agent.log.line(with: "connection refused")
            #expect(line.contains("coordinator/eve"))
            #expect(agent.host.performed.isEmpty)
        }
    }

    @Test("a certificate can be replaced while the agent runs")
    func rotation() async throws {
        try await TestAgent.with { agent in
            #expect(try await agent.client().status().host.description == "s1")
            let fresh = try TLSContext(
                files: agent.authority.issue("agent/s1"),
                trustDomain: agent.authority.domain,
                role: .server
            )
            #expect(try await agent.client().status().host.description == "s1")
            let line = await agent.log.line(with: "certificate re-read")
            #expect(line.contains(fresh.certificate.serial))
        }
    }
}
