import AgentServer
import ControlProtocol
import HostControl
import Testing
import Topology

@Suite("Rules that an agent watches over", .timeLimit(.minutes(10)))
struct RestorationTests {
    private func rules(restored: Int = 0) throws -> InstalledRules {
        InstalledRules(
            backend: .nftables,
            wall: try Sample.wall(),
            count: 14,
            counters: [],
            listing: "table inet mitosis",
            restored: restored
        )
    }

    private static let found = InstalledRules(
        backend: .nftables,
        wall: nil,
        count: 1,
        counters: [],
        listing: "table inet mitosis {\n\tchain \"input\" = empty\n}"
    )

    private func restoration(_ result: Result<InstalledRules, FirewallError>) throws -> RuleRestoration {
        RuleRestoration(
            wall: try Sample.wall(),
            closed: nil,
            found: Self.found,
            result: result,
            milliseconds: 31
        )
    }

    /// An agent has its rules guarded from its start on.
    private func report(of agent: TestAgent) async -> @Sendable (RuleRestoration) -> Void {
        while true {
            if let report = agent.host.guardReport { return report }
            await Task.yield()
        }
    }

    private func metric(_ agent: TestAgent) async throws -> String? {
        try await RawConnection.open(agent)
            .exchange("GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            .split(separator: "\n").first { $0.hasPrefix("mitosis_rules_restored_total ") }.map(String.init)
    }

    @Test("rules that were put back are logged as an error with what was found, audited, and counted")
    func restored() async throws {
        try await TestAgent.with { agent in
            let report = await report(of: agent)
            #expect(try await metric(agent) == "mitosis_rules_restored_total 0")
            report(try restoration(.success(rules(restored: 3))))
            let line = await agent.log.line(with: "were put back")
            #expect(line.hasPrefix("error "))
            for part in [
                #"found="no intact wall""#, "rules=1", "restored=3", "ms=31", "198.51.100.7",
                #"listing="table inet mitosis {\n\tchain \"input\" = empty\n}""#,
            ] { #expect(line.contains(part), "\(part) in \(line)") }
            let audit = try agent.stateFile("audit.jsonl").split(separator: "\n")
            try #require(audit.count == 1)
            for part in [
                #""identity":"spiffe://mitosis/agent/s1""#, #""outcome":"done""#, #""milliseconds":31"#,
                #""command":"restore rules: ports 2888, 3888 with 198.51.100.7""#, #""time":1800000000000"#,
            ] { #expect(audit[0].contains(part), "\(part) in \(audit[0])") }
            #expect(try await metric(agent) == "mitosis_rules_restored_total 1")
        }
    }

    @Test("rules that cannot be put back are logged and audited with the reason, and not counted as restored")
    func notRestored() async throws {
        try await TestAgent.with { agent in
            let report = await report(of: agent)
            let error = FirewallError.timedOut(command: "/usr/sbin/nft -j -f -", seconds: 10)
            report(try restoration(.failure(error)))
            let line = await agent.log.line(with: "cannot be put back")
            #expect(line.hasPrefix("error ") && line.contains("stopped after 10 s"), "\(line)")
            let audit = try agent.stateFile("audit.jsonl")
            #expect(audit.contains(#""outcome":"failed: '/usr/sbin/nft -j -f -' was stopped after 10 s"#))
            #expect(try await metric(agent) == "mitosis_rules_restored_total 0")
        }
    }

    @Test("the guard ends with its agent")
    func ends() async throws {
        let agent = try await TestAgent.start()
        _ = await report(of: agent)
        await agent.end()
        #expect(agent.host.guardReport == nil)
    }

    @Test("an agent that opened ports which another had left closed says so, and serves")
    func openedAtStart() async throws {
        let host = ScriptedHost()
        host.leaveClosed(.success(try rules()))
        try await TestAgent.with(host: host) { agent in
            let line = await agent.log.line(with: "had closed ports")
            #expect(line.hasPrefix("warning ") && line.contains("wall=stands") && line.contains("rules=14"))
            let audit = try agent.stateFile("audit.jsonl")
            #expect(audit.contains(#""command":"open ports that an earlier agent closed"#), "\(audit)")
            #expect(audit.contains(#""outcome":"done: 14 rules stay, the wall among them""#), "\(audit)")
            let served = try await metric(agent)
            #expect(served != nil)
        }
    }

    @Test("an agent that cannot see to the ports says so, and serves all the same")
    func notOpenedAtStart() async throws {
        let host = ScriptedHost()
        host.leaveClosed(.failure(.failed(message: "nft is missing")))
        try await TestAgent.with(host: host) { agent in
            let line = await agent.log.line(with: "left closed")
            #expect(line.hasPrefix("error ") && line.contains("nft is missing"))
            let served = try await metric(agent)
            #expect(served != nil)
        }
    }

    @Test("an agent that finds no closed ports says nothing of them")
    func nothingAtStart() async throws {
        try await TestAgent.with { agent in
            _ = await report(of: agent)
            #expect(!agent.log.lines.contains { $0.contains("closed") })
        }
    }
}
