import ControlProtocol
import FoundationEssentials
import Glibc
import HostControl
import Testing
import Topology

/// The agent's own program and the kernel's rules, through being killed and through other tools' doings.
@Suite(.needsAgentHost, .timeLimit(.minutes(10)))
struct AgentRulesTests {
    private static let lease = #"{"runID":"r","epoch":1}"#

    private func command(_ agent: NamespacedAgent, _ id: String, _ command: String) async throws -> String {
        try await agent.ask("/v1/commands", #"{"id":"\#(id)","lease":\#(Self.lease),"command":\#(command)}"#)
    }

    private func metric(_ agent: NamespacedAgent) async throws -> String? {
        try await agent.ask("/metrics").split(separator: "\n")
            .first { $0.hasPrefix("mitosis_rules_restored_total ") }.map(String.init)
    }

    private func isBack(_ agent: NamespacedAgent, _ wall: Wall, within limit: Duration) async throws -> Bool {
        let deadline = ContinuousClock.now + limit
        while ContinuousClock.now < deadline {
            if try await agent.firewall.installed().wall == wall { return true }
        }
        return false
    }

    @Test(
        "ports left closed by an agent that was killed are opened by the next one, and walls are watched over"
    )
    func killedAndFlushed() async throws {
        let wall = try Sample.wall()
        try await NamespacedAgent.with { agent in
            try await agent.start()
            _ = try await agent.ask(
                "/v1/lease",
                #"{"lease":\#(Self.lease),"secondsToLive":600,"takeOver":false}"#
            )
            let walling =
                #"{"installWall":{"wall":{"peers":["198.51.100.7"],"scope":{"ports":{"numbers":[2888,3888]}}}}}"#
            let walled = try await command(agent, "r.1", walling)
            #expect(walled.contains(#""done""#), "\(walled)")

            // As an agent that is killed while it has ports closed leaves them.
            let closed = ClosedPorts(ports: [try #require(Port(2181))], exception: Port(23_456))
            agent.end(SIGKILL)
            _ = try await agent.firewall.close(closed, behind: wall)
            try await agent.start()
            let opened = try await agent.firewall.installed()
            #expect(opened.wall == wall && opened.closed == nil)
            #expect(try agent.log().contains { $0.hasPrefix("warning ") && $0.contains("had closed ports") })

            _ = try await command(agent, "r.2", walling)
            let before = try agent.processorTime()
            try await Task.sleep(for: .seconds(3))
            let used = try agent.processorTime() - before
            print("an agent that watches over a wall used \(used) ms of processor time in 3 s")
            #expect(used < 300)
            #expect(try await metric(agent) == "mitosis_rules_restored_total 0")

            for times in 1...2 {
                _ = try await agent.run(["/usr/sbin/nft", "flush", "ruleset"])
                #expect(try await isBack(agent, wall, within: .seconds(1)))
                let status = try await agent.ask("/v1/status")
                #expect(status.contains(#""restored":\#(times)"#), "\(status)")
            }
            #expect(try await metric(agent) == "mitosis_rules_restored_total 2")
            #expect(try agent.log().count { $0.hasPrefix("error ") && $0.contains("were put back") } == 2)
            #expect(try agent.audit().contains(#""identity":"spiffe://mitosis/agent/s1""#))

            let removed = try await command(agent, "r.3", #"{"removeWall":{}}"#)
            #expect(removed.contains(#""count":0"#), "\(removed)")
            try await Task.sleep(for: .seconds(1))
            #expect(try await agent.firewall.installed().count == 0)

            // What a stopped agent leaves is nobody's any more.
            _ = try await command(agent, "r.4", walling)
            agent.end(SIGTERM)
            #expect(try await agent.firewall.installed().wall == wall)
            _ = try await agent.run(["/usr/sbin/nft", "flush", "ruleset"])
            try await Task.sleep(for: .milliseconds(500))
            #expect(try await agent.firewall.installed().count == 0)
        }
    }
}
