import ControlProtocol
import FoundationEssentials
import Glibc
import HostControl
import LabKit
import Testing
import Topology

/// The agent's own program in the hands of root, on a host of its own.
@Suite(.needsAgentHost, .timeLimit(.minutes(10)))
struct LocalRulesTests {
    private func firewall(_ agent: NamespacedAgent, _ backend: FirewallBackend) throws -> HostFirewall {
        HostFirewall(
            backend: backend,
            protectedPorts: try [22, 9760].map { try #require(Port($0)) },
            launcher: ["/usr/sbin/ip", "netns", "exec", agent.network.namespace(of: "s1")]
        )
    }

    @Test("rules of every backend are shown and removed without an agent, and read back")
    func withoutAgent() async throws {
        let wall = Wall(
            peers: try ["198.51.100.7", "2001:db8::7"].map { try #require(IPAddress($0)) },
            scope: .allTCP
        )
        try await NamespacedAgent.with { agent in
            #expect(try await agent.byHand(["rules", "clean", "--local"]).isSuccess)
            for backend in FirewallBackend.allCases {
                guard
                    try await agent.byHand(["rules", "list", "--local"]).output.contains(
                        "\(backend.rawValue): 0 rules"
                    )
                else {
                    print("not on this machine: \(backend.rawValue)")
                    continue
                }
                let installed = try await firewall(agent, backend).install(wall)
                let listed = try await agent.byHand(["rules", "list", "--local"])
                #expect(listed.isSuccess)
                #expect(
                    listed.output.contains("\(backend.rawValue): \(installed.count) rules"),
                    "\(listed.output)"
                )
                #expect(listed.output.contains("198.51.100.7") && listed.output.contains("2001:db8::7"))
                let cleaned = try await agent.byHand(["rules", "clean", "--local"])
                #expect(cleaned.isSuccess, "\(cleaned.diagnostics)")
                #expect(cleaned.output.contains("198.51.100.7") && cleaned.output.contains("no agent runs"))
                #expect(try await firewall(agent, backend).installed().count == 0)
            }
            let audit = try agent.audit()
            #expect(
                audit.contains(#""command":"rules clean --local""#) && audit.contains(#""outcome":"begun""#)
            )
            #expect(audit.contains(#""outcome":"done: nothing of ours is left""#))
            #expect(try agent.hasRequest("rules list --local", "answered", allowed: true))
            #expect(try await agent.byHand(["rules", "list", "--local", "--json"]).isSuccess)
            #expect(try agent.hasRequest("rules list --local --json", "answered", allowed: true))
            let words = ["--hand-made", "--addresses", "198.51.100.9"]
            #expect(try await agent.byHand(["rules", "list", "--local"] + words).isSuccess)
            #expect(
                try agent.hasRequest(
                    "rules list --local " + words.joined(separator: " "),
                    "answered",
                    allowed: true
                )
            )
        }
    }

    @Test(
        "beside an agent that watches over its wall, rules are removed for good, once its lease is not in force or with --force"
    )
    func besideAgent() async throws {
        let lease = #"{"runID":"r","epoch":1}"#
        let walling =
            #"{"installWall":{"wall":{"peers":["198.51.100.7"],"scope":{"ports":{"numbers":[2888,3888]}}}}}"#
        let wall = try Sample.wall()
        try await NamespacedAgent.with { agent in
            try await agent.start()
            _ = try await agent.ask("/v1/lease", #"{"lease":\#(lease),"secondsToLive":600,"takeOver":false}"#)
            _ = try await agent.ask("/v1/commands", #"{"id":"r.1","lease":\#(lease),"command":\#(walling)}"#)
            #expect(try await agent.firewall.installed().wall == wall)

            let refused = try await agent.byHand(["rules", "clean", "--local"])
            #expect(!refused.isSuccess)
            #expect(
                refused.diagnostics.contains("run r of ops holds this host's lease"),
                "\(refused.diagnostics)"
            )
            #expect(try await agent.firewall.installed().wall == wall)
            let objection = "refused: run r of ops holds this host's lease"
            #expect(try agent.hasRequest("rules clean --local", objection, allowed: false))

            let forced = try await agent.byHand(["rules", "clean", "--local", "--force"])
            #expect(forced.isSuccess, "\(forced.diagnostics)")
            #expect(forced.output.contains("an agent runs"))
            // The guard looks far more often than this.
            for _ in 0..<20 {
                #expect(try await agent.firewall.installed().count == 0)
                try await Task.sleep(for: .milliseconds(100))
            }
            #expect(try await agent.ask("/v1/status").contains(#""count":0"#))

            // What is commanded anew stands, and is watched over again.
            _ = try await agent.ask("/v1/commands", #"{"id":"r.2","lease":\#(lease),"command":\#(walling)}"#)
            #expect(try await agent.firewall.installed().wall == wall)
            _ = try await agent.run(["/usr/sbin/nft", "flush", "ruleset"])
            let deadline = ContinuousClock.now + .seconds(20)
            while try await agent.firewall.installed().wall != wall {
                try #require(ContinuousClock.now < deadline, "it is not put back")
            }
            let audit = try agent.audit()
            #expect(audit.contains(#""command":"rules clean --local --force""#), "\(audit)")
        }
    }

    @Test("the lease is shown and reset beside a running agent, which says what that risks")
    func lease() async throws {
        let lease = #"{"runID":"r","epoch":900000}"#
        try await NamespacedAgent.with { agent in
            try await agent.start()
            _ = try await agent.ask("/v1/lease", #"{"lease":\#(lease),"secondsToLive":600,"takeOver":false}"#)
            let shown = try await agent.byHand(["lease", "show"])
            #expect(
                shown.isSuccess
                    && shown.output.contains("highest epoch 900000, of run r\nlease of ops: lapses in ")
            )
            let warned = try await agent.byHand(["lease", "reset", "--epoch", "4"])
            #expect(
                !warned.isSuccess
                    && warned.output.contains("coordinators with epochs 5 to 900000 get in again")
            )
            #expect(try await agent.ask("/v1/status").contains(#""highestEpoch":900000"#))
            #expect(try agent.hasRequest("lease show", "answered", allowed: true))
            #expect(try agent.hasRequest("lease reset --epoch 4", "refused: without --yes", allowed: false))
            let reset = try await agent.byHand(["lease", "reset", "--epoch", "4", "--yes"])
            #expect(reset.isSuccess, "\(reset.diagnostics)")
            #expect(try await agent.ask("/v1/status").contains(#""highestEpoch":4"#))
            #expect(try agent.audit().contains(#""command":"lease reset --epoch 4""#))
            for mistake in [
                ["--epoch", "18446744073709551615"], ["--epoch", "-1"], ["--epoch", "9007199254740991"],
            ] {
                #expect(try await !agent.byHand(["lease", "reset", "--yes"] + mistake).isSuccess)
            }
        }
    }
}
