import ControlProtocol
import FoundationEssentials
import Glibc
import HostControl
import SystemCalls
import Testing
import Topology

/// The order that an agent keeps for its host, across the agent's death and the loss of the rules.
@Suite("A host's order, by its agent", .needsAgentHost, .serialized, .timeLimit(.minutes(10)))
struct OrdersAgentTests {
    private let lease = #"{"runID":"r","epoch":1}"#
    private let unit = "zookeeper.service"
    private let wall: Wall

    init() throws { wall = try Sample.wall() }

    private func state(_ agent: NamespacedAgent) -> String {
        agent.configuration.replacing("agent.yaml", with: "state")
    }

    private func command(_ agent: NamespacedAgent, _ id: String, _ command: String) async throws -> String {
        _ = try await agent.ask("/v1/lease", #"{"lease":\#(lease),"secondsToLive":600,"takeOver":false}"#)
        return try await agent.ask(
            "/v1/commands",
            #"{"id":"\#(id)","lease":\#(lease),"command":\#(command)}"#
        )
    }

    private func raise(_ agent: NamespacedAgent, _ id: String, holding: String? = nil) async throws -> String
    {
        try await command(
            agent,
            id,
            #"{"installWall":{"wall":{"peers":["198.51.100.7"],"scope":{"ports":{"numbers":[2888,3888]}}}"#
                + (holding.map { #","holding":["\#($0)"]"# } ?? "") + "}}"
        )
    }

    private func check(_ agent: NamespacedAgent, _ name: String) async throws -> NamespacedAgent.Told {
        try await agent.byHand(["--hold-check", name, "--state", state(agent)])
    }

    private func loseRules(_ agent: NamespacedAgent) async throws {
        agent.end(SIGKILL)
        _ = try await agent.run(["/usr/sbin/nft", "flush", "ruleset"])
        #expect(try await agent.firewall.installed().count == 0)
    }

    @Test(
        "a service that is held does not start after a crash and a boot, its wall is back, and the removal ends both"
    )
    func life() async throws {
        try await NamespacedAgent.with { agent in
            #expect(try await check(agent, unit).isSuccess)
            try await agent.start()
            #expect(try await raise(agent, "r.1", holding: unit).contains(#""done""#))
            let told = try await agent.ask("/v1/status")
            #expect(
                told.contains(#""held":["zookeeper.service"]"#) && told.contains(#""run":"r""#),
                "\(told)"
            )
            #expect(try await agent.ask("/metrics").contains("mitosis_held_services 1\n"))

            try await loseRules(agent)
            let refused = try await check(agent, unit)
            #expect(!refused.isSuccess && refused.diagnostics.contains("run r holds zookeeper.service back"))
            #expect(try await agent.firewall.installed().wall == wall)
            let checked = try agent.audit().split(separator: "\n").last ?? ""
            #expect(checked.contains(#""identity":"mitosis-agent --hold-check on this host""#), "\(checked)")
            #expect(
                checked.contains(
                    #""command":"put back wall peers=198.51.100.7 scope=2888,3888 asked=zookeeper.service""#
                )
            )
            #expect(checked.contains(#""outcome":"done""#) && checked.contains(#""run":"r""#), "\(checked)")

            // A hold check judges by the order, whatever becomes of its line.
            let trail = state(agent) + "/audit.jsonl"
            try #require(rename(trail, trail + ".aside") == 0 && mkdir(trail, 0o700) == 0)
            _ = try await agent.run(["/usr/sbin/nft", "flush", "ruleset"])
            let unwritten = try await check(agent, unit)
            #expect(unwritten.diagnostics.contains("run r holds zookeeper.service back"), "\(unwritten)")
            #expect(try await agent.firewall.installed().wall == wall)
            try #require(rmdir(trail) == 0 && rename(trail + ".aside", trail) == 0)

            // The agent that starts does the same, and guards what it put up.
            _ = try await agent.run(["/usr/sbin/nft", "flush", "ruleset"])
            try await agent.start()
            #expect(try await agent.firewall.installed().wall == wall)
            #expect(
                try agent.log().contains { $0.contains("was put back") && $0.contains("zookeeper.service") }
            )
            let started = try agent.audit().split(separator: "\n").last { $0.contains("agent's start") } ?? ""
            #expect(started.contains(#""command":"put back wall at the agent's start""#), "\(started)")
            #expect(started.contains(#""outcome":"done: an order of run r since"#), "\(started)")

            // Older coordinators name nothing: what is held stays held.
            #expect(try await raise(agent, "r.2").contains(#""done""#))
            #expect(try await !check(agent, unit).isSuccess)
            #expect(try await check(agent, "kafka.service").isSuccess)

            #expect(try await command(agent, "r.3", #"{"removeWall":{}}"#).contains(#""done""#))
            #expect(try await check(agent, unit).isSuccess)
            #expect(try await !agent.ask("/v1/status").contains(#""order""#))
            #expect(try await agent.firewall.installed().count == 0)
        }
    }

    @Test("a coordinator can have only those services held that agent.yaml lists")
    func notAllowed() async throws {
        try await NamespacedAgent.with { agent in
            try await agent.start()
            let answer = try await raise(agent, "r.1", holding: "ssh.service")
            #expect(answer.contains("notAllowed") && answer.contains("ssh.service"), "\(answer)")
            #expect(try await agent.firewall.installed().count == 0)
            #expect(try await agent.byHand(["orders", "list"]).output.hasPrefix("no order"))
        }
    }

    @Test(
        "a service is released on disk before it is started, even if the start fails; the wall stays ordered"
    )
    func released() async throws {
        try await NamespacedAgent.with { agent in
            try await agent.start()
            _ = try await raise(agent, "r.1", holding: unit)
            // There is no such unit: what matters is what its unit would have been told.
            let start = #"{"service":{"request":{"service":"zookeeper.service","action":"start"}}}"#
            #expect(try await command(agent, "r.2", start).contains(#""failed""#))
            try await loseRules(agent)
            #expect(try await check(agent, unit).isSuccess)
            #expect(try await agent.firewall.installed().wall == wall)
        }
    }

    @Test("root sees the order and drops it, beside an agent and without one, and the audit trail has it")
    func root() async throws {
        try await NamespacedAgent.with { agent in
            try await agent.start()
            for (id, runs) in [("r.1", true), ("r.2", false)] {
                _ = try await raise(agent, id, holding: unit)
                if !runs { agent.end(SIGKILL) }
                let listed = try await agent.byHand(["orders", "list"])
                #expect(listed.isSuccess && listed.output.contains("held back: zookeeper.service"))
                #expect(listed.output.contains("peers 198.51.100.7, TCP ports 2888, 3888, by nftables"))
                let warned = try await agent.byHand(["orders", "drop"])
                #expect(!warned.isSuccess && warned.output.contains("risk: "))
                #expect(try await !check(agent, unit).isSuccess)
                let dropped = try await agent.byHand(["orders", "drop", "--yes"])
                #expect(dropped.isSuccess, "\(dropped.diagnostics)")
                #expect(try await check(agent, unit).isSuccess)
                // Rules are another matter.
                #expect(try await agent.firewall.installed().wall == wall)
            }
            let audit = try agent.audit().split(separator: "\n").filter {
                $0.contains(#""command":"orders drop""#)
            }
            #expect(audit.count == 2 && audit.allSatisfy { $0.contains("standing.json is gone") })
            #expect(audit.allSatisfy { $0.contains(#""identity":"root on this host"#) })
            #expect(try agent.hasRequest("orders list", "answered", allowed: true))
            #expect(try agent.hasRequest("orders drop", "refused: without --yes", allowed: false))
        }
    }

    @Test("a damaged order is told by status, list and check, and its rules' removal ends it")
    func damaged() async throws {
        try await NamespacedAgent.with { agent in
            try await agent.start()
            _ = try await raise(agent, "r.1", holding: unit)
            let path = state(agent) + "/orders/standing.json"
            try Data("{}\n".utf8).write(to: URL(filePath: path))
            #expect(try await agent.ask("/v1/status").contains("orders drop"))
            #expect(try await agent.ask("/metrics").contains("mitosis_order_unreadable 1\n"))
            let listed = try await agent.byHand(["orders", "list"])
            #expect(!listed.isSuccess && listed.output.contains(path))
            #expect(try await !check(agent, "anything").isSuccess)
            #expect(try await raise(agent, "r.2").contains("orders drop"))
            #expect(try await command(agent, "r.3", #"{"removeWall":{}}"#).contains(#""done""#))
            #expect(try await check(agent, unit).isSuccess)
        }
    }

    @Test("rules that root removes take their order with them")
    func cleaned() async throws {
        try await NamespacedAgent.with { agent in
            try await agent.start()
            _ = try await raise(agent, "r.1", holding: unit)
            agent.end(SIGKILL)
            let report = try await agent.byHand(["rules", "list", "--local", "--json"])
            #expect(
                report.output.contains(#""held":["zookeeper.service"]"#),
                "\(report.output) \(report.diagnostics)"
            )
            let cleaned = try await agent.byHand(["rules", "clean", "--local", "--force"])
            #expect(
                cleaned.isSuccess && cleaned.output.contains("dropped with its rules"),
                "\(cleaned.diagnostics)"
            )
            #expect(try await check(agent, unit).isSuccess)
            try await agent.start()
            #expect(try await agent.firewall.installed().count == 0)
        }
    }

    @Test("behind a program that hangs nothing waits without end: it is told, and --force removes the rules")
    func hung() async throws {
        try await NamespacedAgent.with { agent in
            try await agent.start()
            _ = try await raise(agent, "r.1", holding: unit)
            agent.end(SIGKILL)
            // Nor does a lease stand in the way.
            #expect(try await agent.byHand(["lease", "reset", "--yes"]).isSuccess)
            let path = state(agent) + "/orders/lock"
            let lock = try FileLock(path, whenHeld: .refuse)
            for words in [["orders", "drop", "--yes"], ["rules", "clean", "--local"]] {
                let told = try await agent.byHand(words)
                #expect(
                    !told.isSuccess && told.diagnostics.contains("has not come to its end in 10 s")
                        && told.diagnostics.contains("`fuser -v \(path)` names it"),
                    "\(told.diagnostics)"
                )
                #expect(try await agent.firewall.installed().wall == wall)
                #expect(try await agent.byHand(["orders", "list"]).output.contains("held back: \(unit)"))
            }
            let forced = try await agent.byHand(["rules", "clean", "--local", "--force"])
            #expect(
                forced.isSuccess && forced.diagnostics.contains("going on beside it"),
                "\(forced.diagnostics)"
            )
            withExtendedLifetime(lock) {}
            #expect(try await agent.firewall.installed().count == 0)
            #expect(try await agent.byHand(["orders", "list"]).output.hasPrefix("no order"))
            let audit = try agent.audit()
            #expect(audit.contains("failed: another program is changing this host's order"), "\(audit)")
        }
    }
}
