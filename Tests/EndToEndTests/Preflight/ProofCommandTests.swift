import FoundationEssentials
import LabKit
import Testing

/// What docs/proofs.md has people type at an ensemble, on the lab of `PreflightTests`, whose destination does not run.
extension PreflightTests {
    /// `mitosis VERB ...` on the control host.
    private static func perform(_ arguments: String...) async throws -> Tool.Outcome {
        try await Coordinator(lab: SharedLab.lab).perform(arguments)
    }

    private static func servers(_ hosts: [LabHost]) -> String {
        hosts.map(\.clientAddress).joined(separator: ",")
    }

    /// Of `latencies --json`.
    private struct Timed: Decodable {
        struct Row: Decodable {
            let part: String
            let operations: Int
            let totalMilliseconds: Double
            let p50: Double
        }

        let good: Bool
        let rows: [Row]
    }

    /// Nothing of a test's own is left in the root.
    private static func expectNoTraces() async throws {
        try await Bench(lab: SharedLab.lab).kazoo(
            #"assert not [name for name in zk.get_children("/") if name.startswith("mitosis-")], zk.get_children("/")"#
        )
    }

    @Test(
        "a smoke test of servers, of a zoo.cfg, and of chosen hosts of an inventory tries every one, and leaves nothing",
        .hangLimit
    )
    func smokeTest() async throws {
        let lab = try SharedLab.lab
        let hosts = lab.configuration.sourceHosts
        let inventory = lab.layout.root + "/chosen.yaml"
        let entries = lab.configuration.zooKeeperHosts.map {
            "  - {host: \($0.name), address: \($0.ipv4), role: zookeeper}\n"
        }
        try Folder.write(
            "version: 1\nname: lab\npki: {directory: ./pki, coordinator: ops}\nhosts:\n\(entries.joined())",
            to: inventory
        )
        let asked = try await Self.perform("smoketest", "--servers", Self.servers(hosts))
        let file = try await Self.perform("smoketest", lab.layout.host(hosts[0]).zooKeeperConfiguration)
        let chosen = try await Self.perform("smoketest", inventory, "--limit", "s[1-3]")
        for outcome in [asked, file, chosen] {
            #expect(outcome.status == 0, "\(outcome.diagnostics)")
            let lines = outcome.output.split(separator: "\n").map(String.init)
            let head = lines.first?.split(separator: " ").map(String.init)
            #expect(
                head == [
                    "milliseconds", "session", "root", "create", "children", "watch", "delete", "notice",
                    "clean-up",
                ]
            )
            #expect(lines.last == "good: 3 servers", "\(outcome.output)")
        }
        for host in hosts {
            #expect(asked.output.contains("\n\(host.clientAddress) "), "\(asked.output)")
            #expect(chosen.output.contains("\n\(host.name) "), "\(chosen.output)")
        }

        // A server that is dead ends it before anything is written, and a question that cannot be asked is none.
        let dead = Self.servers([hosts[0], lab.configuration.destinationHosts[0]])
        let failed = try await Self.perform("smoketest", "--servers", dead, "--timeout", "2")
        #expect(failed.status == 1 && failed.output.hasSuffix("NOT GOOD\n"), "\(failed.diagnostics)")
        let line = "FAIL  \(lab.configuration.destinationHosts[0].clientAddress): session: "
        #expect(failed.output.contains(line), "\(failed.output)")
        let unclear = try await Self.perform("smoketest", "--servers", "\(hosts[0].clientAddress)/kafka")
        #expect(
            unclear.status == 2 && unclear.errors.contains("is not a list of servers"),
            "\(unclear.diagnostics)"
        )
        // A root of one's own: used again where it is empty, refused where something is in it.
        let bench = Bench(lab: lab)
        try await bench.kazoo(#"zk.ensure_path("/own-root")"#)
        let own = try await Self.perform("smoketest", "--servers", Self.servers(hosts), "--root", "/own-root")
        #expect(own.status == 0, "\(own.diagnostics)")
        try await bench.kazoo(
            #"zk.sync("/"); assert not zk.exists("/own-root"); zk.create("/own-root/theirs", b"", makepath=True)"#
        )
        for command in ["smoketest", "latencies"] {
            let full = try await Self.perform(
                command,
                "--servers",
                Self.servers(hosts),
                "--root",
                "/own-root"
            )
            #expect(full.status == 1 && full.output.contains("/own-root has "), "\(full.diagnostics)")
        }
        try await bench.kazoo(#"zk.delete("/own-root/theirs"); zk.delete("/own-root")"#)
        let nobody = try await Self.perform("smoketest", inventory, "--limit", "zk*")
        #expect(nobody.status == 2 && nobody.errors.contains("--limit: "), "\(nobody.diagnostics)")
        try await Self.expectNoTraces()
        try Folder.remove(inventory)
    }

    @Test(
        "latencies has numbers of each part on each server, for the count that was asked for, and leaves nothing",
        .hangLimit
    )
    func latencies() async throws {
        let hosts = try SharedLab.lab.configuration.sourceHosts
        let outcome = try await Self.perform(
            "latencies",
            "--servers",
            Self.servers(hosts),
            "--count",
            "100",
            "--size",
            "25",
            "--watches",
            "2"
        )
        #expect(outcome.status == 0 && outcome.output.hasSuffix("complete\n"), "\(outcome.diagnostics)")
        let lines = outcome.output.split(separator: "\n")
        for word in ["operations", "ms/op", "per second", "p50", "p95", "p99", "most"] {
            #expect(lines.first?.contains(word) == true, "\(outcome.output)")
        }
        for host in hosts {
            let own = lines.filter { $0.hasPrefix(host.clientAddress + " ") }
            for part in ["create permanent", "set", "get", "delete permanent"] {
                #expect(own.contains { $0.contains("  \(part) ") && $0.contains(" 100 ") }, "\(part): \(own)")
            }
            // Two watches on each node.
            #expect(own.contains { $0.contains("watch") && $0.contains(" 200 ") }, "\(own)")
        }
        // One request at a time: what a server takes is what its requests take together, not less.
        let single = try await Self.perform(
            "latencies",
            "--servers",
            Self.servers(hosts),
            "--count",
            "50",
            "--synchronous",
            "--json"
        )
        let document = try JSONDecoder().decode(Timed.self, from: Data(single.output.utf8))
        #expect(single.status == 0 && document.good && document.rows.count > 10, "\(single.diagnostics)")
        for row in document.rows where row.part.hasPrefix("create") {
            #expect(row.totalMilliseconds >= row.p50 * Double(row.operations) / 2, "\(row)")
        }
        let endless = try await Self.perform("latencies", "--servers", Self.servers(hosts), "--count", "0")
        #expect(
            endless.status == 64 && endless.errors.contains("--count is from 1 to 1000000"),
            "\(endless.diagnostics)"
        )
        try await Self.expectNoTraces()
    }

    @Test(
        "replicas of one ensemble are compared, and are equal; one alone is refused",
        .hangLimit
    )
    func replicas() async throws {
        let hosts = try SharedLab.lab.configuration.sourceHosts
        let servers = Self.servers(hosts)
        let equal = try await Self.perform("compare", "--servers", servers)
        #expect(equal.status == 0 && equal.output.hasSuffix("equal\n"), "\(equal.diagnostics)")
        let names = hosts.map(\.clientAddress).joined(separator: ", ")
        #expect(equal.output.contains(" nodes from / on, on \(names): "), "\(equal.output)")
        let alone = try await Self.perform("compare", "--servers", hosts[0].clientAddress)
        #expect(
            alone.status == 2
                && alone.errors.contains("one server alone has nothing to be compared with"),
            "\(alone.diagnostics)"
        )
        let half = try await Self.perform("compare", "--source", servers)
        #expect(
            half.status == 64 && half.errors.contains("--source and --destination go together"),
            "\(half.diagnostics)"
        )
    }
}
