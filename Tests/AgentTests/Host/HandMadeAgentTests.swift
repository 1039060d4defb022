import FoundationEssentials
import Testing

/// Rules that somebody made by hand on an agent's host: through the agent, and by root without one.
@Suite(.needsAgentHost, .timeLimit(.minutes(10)))
struct HandMadeAgentTests {
    private static let lease = #"{"runID":"r","epoch":1}"#
    private static let addresses = #"{"addresses":["198.51.100.1","198.51.100.7"]}"#

    private static func divide(_ agent: NamespacedAgent) async throws {
        for chain in ["INPUT", "OUTPUT"] {
            let words = ["-I", chain, "-d", "198.51.100.7,198.51.100.8", "-j", "REJECT"]
            _ = try await agent.run(["/usr/sbin/iptables-nft"] + words)
        }
        _ = try await agent.run(
            ["/usr/sbin/iptables-legacy", "-A", "INPUT", "-s", "198.51.100.7", "-j", "DROP"]
        )
        _ = try await agent.run(
            ["/usr/sbin/iptables-nft"]
                + "-A INPUT -s 198.51.100.7 -p tcp --dport 22 -j DROP".split(separator: " ")
                .map(String.init)
        )
    }

    private static func saved(_ agent: NamespacedAgent) async throws -> String {
        var text = ""
        for kind in ["nft", "legacy"] { text += try await agent.run(["/usr/sbin/iptables-\(kind)-save"]) }
        // What is printed besides has the time in it.
        return text.split(separator: "\n").filter { $0.hasPrefix("-A") }.joined(separator: "\n")
    }

    @Test("a coordinator sees and removes them, once, under its lease, and the audit trail tells of it")
    func throughAgent() async throws {
        try await NamespacedAgent.with { agent in
            try await agent.start()
            try await Self.divide(agent)
            let seen = try await agent.ask("/v1/read/hand-made", Self.addresses)
            #expect(seen.contains(#""count":3"#) && seen.contains(#""otherCount":1"#), "\(seen)")
            let before = try await Self.saved(agent)

            let command = { (id: String, addresses: String) in
                #"{"id":"\#(id)","lease":\#(Self.lease),"command":{"removeHandMadeRules":{"request":\#(addresses)}}}"#
            }
            let early = try await agent.ask("/v1/commands", command("r.1", Self.addresses))
            #expect(early.contains("noLease"), "\(early)")
            _ = try await agent.ask(
                "/v1/lease",
                #"{"lease":\#(Self.lease),"secondsToLive":600,"takeOver":false}"#
            )
            let foreign = #"{"addresses":["198.51.100.7","203.0.113.9"]}"#
            let refused = try await agent.ask("/v1/commands", command("r.2", foreign))
            #expect(refused.contains("203.0.113.9 is in none of firewall.peers"), "\(refused)")
            #expect(try await agent.ask("/v1/read/hand-made", foreign).contains("203.0.113.9 is in none of"))
            let empty = try await agent.ask("/v1/commands", command("r.3", #"{"addresses":[]}"#))
            #expect(empty.contains("addresses is 0, not 1 to 4096"), "\(empty)")
            #expect(try await Self.saved(agent) == before)

            let done = try await agent.ask("/v1/commands", command("r.4", Self.addresses))
            #expect(done.contains(#""count":0"#) && done.contains(#""removed":3"#), "\(done)")
            #expect(done.contains(#"/state/rulesets/r-1""#), "\(done)")
            let after = try await Self.saved(agent)
            #expect(after.contains("198.51.100.8/32") && after.contains("--dport 22"))
            #expect(!after.contains("198.51.100.7/32 -j"))

            // The stored outcome; nothing is done again.
            let again = try await agent.ask("/v1/commands", command("r.4", Self.addresses))
            #expect(again.contains(#""removed":3"#), "\(again)")
            let other = try await agent.ask("/v1/commands", command("r.5", Self.addresses))
            #expect(other.contains(#""removed":0"#) && !other.contains("saved"), "\(other)")
            let audit = try agent.audit()
            #expect(
                audit.contains(#""command":"remove hand-made rules addresses=198.51.100.1,198.51.100.7""#),
                "\(audit)"
            )
        }
    }

    @Test("root sees and removes them without an agent, and is refused while a coordinator holds the lease")
    func byHand() async throws {
        try await NamespacedAgent.with { agent in
            try await Self.divide(agent)
            let chosen = ["--local", "--hand-made", "--addresses", "198.51.100.7,198.51.100.8"]
            let listed = try await agent.byHand(["rules", "list"] + chosen)
            #expect(!listed.isSuccess && listed.output.contains("5 hand-made rules"), "\(listed)")
            #expect(
                listed.output.contains(
                    "iptables-legacy: filter INPUT: -s 198.51.100.7/32 -j DROP (1 x, 0 packets)"
                )
            )

            try await agent.start()
            _ = try await agent.ask(
                "/v1/lease",
                #"{"lease":\#(Self.lease),"secondsToLive":600,"takeOver":false}"#
            )
            let before = try await Self.saved(agent)
            let refused = try await agent.byHand(["rules", "clean"] + chosen)
            #expect(
                !refused.isSuccess && refused.diagnostics.contains("--force removes the rules nevertheless")
            )
            #expect(try await Self.saved(agent) == before)

            let cleaned = try await agent.byHand(["rules", "clean", "--force"] + chosen)
            #expect(cleaned.isSuccess, "\(cleaned)")
            #expect(
                cleaned.output.contains("5 removed\nsaved before that: ")
                    && cleaned.output.contains("clean: every")
            )
            #expect(
                try agent.audit().contains(
                    "rules clean --local --hand-made --addresses 198.51.100.7,198.51.100.8"
                )
            )
            #expect(try await agent.byHand(["rules", "list"] + chosen).isSuccess)
            for mistake in [
                ["--hand-made"], ["--addresses", "198.51.100.7"], ["--hand-made", "--addresses", "zk1"],
            ] {
                #expect(try await !agent.byHand(["rules", "clean", "--local"] + mistake).isSuccess)
            }
        }
    }
}
