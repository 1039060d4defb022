import LabKit
import Testing

/// Rules on hosts whose agents have been ended.
@Suite(
    "Rules cleaned over ssh",
    .serialized,
    .countingIssues,
    .enabled(if: LabFixture.isPossible, "a lab needs root"),
    .enabled(if: Lab.systemdObstacle() == nil, "\(Lab.systemdObstacle() ?? "")"),
    .enabled(if: SecureShell.obstacle() == nil, "\(SecureShell.obstacle() ?? "")")
)
struct RulesOverSSHTests {
    private static func wall(against address: String) -> String {
        """
        nft add table inet mitosis
        nft 'add chain inet mitosis input { type filter hook input priority -10; }'
        nft add rule inet mitosis input ip saddr \(address) counter reject
        systemctl stop mitosis-agent.service
        """
    }

    /// `--limit` chooses hosts; what an agent may wall off are those of the whole inventory all the same.
    private static func installInParts(_ bare: BareHosts, first: [LabHost], then last: LabHost) async throws {
        let mistake = try await bare.agents("install", "--limit", "\(last.name),nobody")
        #expect(mistake.status == 1 && mistake.errors.contains("'nobody' is no host"), "\(mistake)")
        let names = first.map(\.name).joined(separator: ",")
        let part = try await bare.agents("install", "--limit", names)
        #expect(part.succeeded && !part.output.contains(last.name), "\(part)")
        for host in first {
            #expect(part.output.contains("\(host.name)  ready"), "\(part)")
            let settings = try await bare.shell("cat /etc/mitosis/agent.yaml", on: host)
            #expect(bare.hosts.allSatisfy { settings.contains($0.ipv4) }, "\(settings)")
        }
        let pieces = "ls -d /usr/bin/mitosis-agent /etc/mitosis/* 2>/dev/null"
        #expect(try await bare.shell(pieces, on: last) == "")
        let whole = try await bare.agents("install")
        #expect(whole.succeeded && whole.output.contains("\(last.name)  ready"), "\(whole)")
        #expect(first.allSatisfy { whole.output.contains("\($0.name)  ready  unchanged") }, "\(whole)")
    }

    /// What root types there; a configuration with a mistake is told, and no hindrance to looking.
    private static func seeByHand(_ bare: BareHosts, on host: LabHost) async throws {
        func root(_ words: String...) async throws -> Tool.Outcome {
            try await bare.lab.inside(host, ["/usr/bin/mitosis-agent"] + words)
        }
        let good = try await root("--check")
        #expect(good.succeeded && good.output.hasPrefix("/etc/mitosis/agent.yaml can be used\n"), "\(good)")
        _ = try await bare.shell("echo 'prots: 1' >> /etc/mitosis/agent.yaml", on: host)
        let bad = try await root("--check")
        #expect(bad.status == 1 && bad.errors.contains("prots"), "\(bad)")
        let listed = try await root("rules", "list", "--local")
        #expect(listed.succeeded && listed.output.contains("nftables: 0 rules\n"), "\(listed)")
        #expect(listed.errors.contains("going on with /var/lib/mitosis"), "\(listed)")
        _ = try await bare.shell("sed -i '/^prots/d' /etc/mitosis/agent.yaml", on: host)
        #expect(try await root("--check").succeeded)
        let none = try await root("orders", "drop")
        #expect(none.succeeded && none.output.hasPrefix("no order: "), "\(none)")
        // A coordinator that says nothing and goes away, as before the first file takes its place.
        let before = try await bare.files(of: host)
        let left = try await root("provision")
        #expect(left.status == 1 && left.output.isEmpty, "\(left)")
        #expect(try await bare.files(of: host) == before)
    }

    @Test(
        "a stopped agent's host is cleaned over ssh, and refused where its ZooKeeper names who is walled off",
        .hangLimit
    )
    func cleaned() async throws {
        try await BareHosts.with { bare in
            let (stopped, divided) = (bare.hosts[0], bare.hosts[1])
            try await Self.installInParts(bare, first: [stopped, divided], then: bare.hosts[2])
            try await Self.seeByHand(bare, on: stopped)
            // Nobody has this address; the other is the neighbour's.
            _ = try await bare.shell(Self.wall(against: "203.0.113.99"), on: stopped)
            _ = try await bare.shell(Self.wall(against: stopped.ipv4), on: divided)
            let divide = try await bare.shell("nft -s list ruleset", on: divided)

            let unreached = try await bare.rules("clean")
            #expect(unreached.output.contains("0 refused, 2 unreachable"), "\(unreached)")
            #expect(try await bare.shell("nft list tables", on: stopped).contains("inet mitosis"))

            let cleaned = try await bare.rules("clean", "--ssh")
            #expect(!cleaned.succeeded)
            #expect(cleaned.output.contains("\(stopped.name): clean; "), "\(cleaned)")
            #expect(
                cleaned.output.contains("\(divided.name): refused, nothing was changed: /"),
                "\(cleaned)"
            )
            #expect(cleaned.output.contains("at '\(stopped.ipv4)', from the other side of the wall"))
            #expect(try await bare.shell("nft list tables", on: stopped) == "")
            #expect(try await bare.shell("nft -s list ruleset", on: divided) == divide)

            let forced = try await bare.rules("clean", "--ssh", "--force")
            #expect(forced.succeeded, "\(forced)")
            #expect(try await bare.shell("nft list tables", on: divided) == "")
            let audit = try await bare.shell("cat /var/lib/mitosis/audit.jsonl", on: divided)
            #expect(audit.contains("rules clean --local --force"), "\(audit)")
        }
    }
}

extension BareHosts {
    /// `mitosis rules …` on the control host.
    func rules(_ arguments: String...) async throws -> Tool.Outcome {
        let words = [lab.binaries.coordinator, "rules"] + arguments + [inventory]
        return try await lab.run(SecureShell(lab).reaching(words), on: lab.configuration.control)
    }
}
