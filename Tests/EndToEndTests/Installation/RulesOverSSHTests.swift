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

    @Test(
        "a stopped agent's host is cleaned over ssh, and refused where its ZooKeeper names who is walled off",
        .timeLimit(.minutes(5))
    )
    func cleaned() async throws {
        try await BareHosts.with { bare in
            #expect(try await bare.agents("install").succeeded)
            let (stopped, divided) = (bare.hosts[0], bare.hosts[1])
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
