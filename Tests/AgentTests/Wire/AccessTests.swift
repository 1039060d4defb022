import AgentClient
import AgentServer
import ControlProtocol
import MutualTLS
import Subprocess
import Testing
import Topology

@Suite("Who may do what", .timeLimit(.minutes(10)))
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

    @Test("every other route is closed to a viewer")
    func closed() async throws {
        try await TestAgent.with { agent in
            for (path, method) in Route.table {
                let path = path.replacing("{id}", with: "x")
                let request = "\(method.rawValue) \(path) HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
                let open = path == "/v1/status" || path == "/metrics"
                let viewer = try await RawConnection.open(agent, "viewer/v").exchange(request)
                #expect(viewer.hasPrefix(open ? "HTTP/1.1 200 " : "HTTP/1.1 403 "), "\(path)")
            }
        }
    }

    @Test("an agent's certificate opens nothing: TLS refuses it, and so would every route")
    func otherAgent() async throws {
        try await TestAgent.with { agent in
            let error = await #expect(throws: AgentClientError.self) {
                try await agent.client("agent/s2").status()
            }
            guard case .identity? = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            let line = await agent.log.line(with: "connection refused")
            #expect(line.contains("agent/s2") && line.contains("not meant for clients"))
        }
        let caller = Caller(role: .agent, name: "s2", identity: "agent/s2", serial: "1", peer: "x")
        for (path, method) in Route.table {
            let path = path.replacing("{id}", with: "x")
            guard case .found(let route) = Route.match(method: method.rawValue, target: path) else {
                Issue.record("\(path)")
                continue
            }
            #expect(caller.objection(to: route)?.contains("is an agent") == true)
        }
    }

    @Test(
        "curl reads the status with a viewer's certificate, and without one is refused with the reason logged"
    )
    func curl() async throws {
        try await TestAgent.with { agent in
            let files = try agent.authority.issue("viewer/curl")
            let url = "https://s1:\(agent.port)/v1/status"
            let common = ["-sS", "--connect-to", "::127.0.0.1:", "--cacert", files.authority, url]
            let certified = ["--cert", files.certificate, "--key", files.key] + common
            let known = try await Subprocess.run(
                .name("curl"),
                arguments: .init(certified),
                output: .string(limit: 65_536),
                error: .string(limit: 65_536)
            )
            #expect(known.terminationStatus.isSuccess, "\(known.standardError)")
            #expect(known.standardOutput.contains(#""host":"s1""#))
            let unknown = try await Subprocess.run(
                .name("curl"),
                arguments: .init(common),
                output: .string(limit: 65_536),
                error: .string(limit: 65_536)
            )
            #expect(!unknown.terminationStatus.isSuccess)
            #expect(await agent.log.line(with: "presented no certificate").contains("connection refused"))
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
            let context = try agent.authority.context("coordinator/eve", files: mixed)
            let client = AgentClient(
                host: try #require(HostName("s1")),
                identity: try TestAuthority.peer("agent/s1"),
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
                trustDomain: agent.authority.domain
            )
            #expect(try await agent.client().status().host.description == "s1")
            let line = await agent.log.line(with: "certificate re-read")
            #expect(line.contains(fresh.certificate.serial))
        }
    }
}
