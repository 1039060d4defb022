import AgentClient
import ControlProtocol
import Testing

@Suite("What a status says of the agent's surroundings", .timeLimit(.minutes(10)))
struct StatusTests {
    @Test("rules that cannot be read are told as such, never as none, and the rest of the status stays")
    func rulesUnreadable() async throws {
        try await TestAgent.with { agent in
            agent.host.failRules()
            let status = try await agent.client().status()
            #expect(status.rules.unreadable == "nft is missing")
            #expect(status.rules.count > 0 && status.rules.wall == nil)
            #expect(status.zookeeper?.stats?.nodeCount == 42)
        }
    }

    @Test("the agent tells when its certificate and its authority end, and what manages rules beside it")
    func surroundings() async throws {
        try await TestAgent.with { agent in
            let status = try await agent.client().status()
            let credentials = try #require(status.credentials)
            let authority = try #require(credentials.authority)
            // 730 days and ten years.
            #expect(authority - credentials.certificate == (3650 - 730) * 86_400_000)
            #expect(credentials.revocationList == nil)
            #expect(status.ruleManagers == [RuleManager(name: "firewalld", pid: 17)])
            #expect(status.configurationManagers == [RuleManager(name: "puppet", pid: 18)])
            #expect(status.reach?.map(\.problem) == ["it is read-only for the agent"])
        }
    }

    @Test("the host's order is told, and why it cannot be read to coordinators only")
    func order() async throws {
        try await TestAgent.with { agent in
            #expect(try await agent.client().status().order == nil)
            let order = OrderState(run: try #require(RunID("r")), since: 1_000, held: ["zookeeper"])
            agent.host.ordered = order
            let status = try await agent.client().status()
            #expect(status.order == order && status.forViewers.order == order)
            agent.host.ordered = OrderState(unreadable: "/secret/place is damaged")
            let damaged = try await agent.client().status()
            #expect(damaged.order?.unreadable == "/secret/place is damaged")
            #expect(damaged.forViewers.order?.unreadable == "a coordinator is told why")
        }
    }
}

extension ZooKeeperStatus {
    fileprivate var stats: ServerStats? {
        switch serving {
        case .yes(let stats): stats
        case .looking, .unreachable: nil
        }
    }
}
