import ControlProtocol
import FoundationEssentials
import LabKit
import Testing
import Topology

@testable import HostControl

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Other programs change the rules while the wall is up.
@Suite(.needsNamespaces, .serialized)
struct FirewallAlterationTests {
    private let wall = FirewallBench.wall

    struct Alteration: Sendable, CustomTestStringConvertible {
        let name: String
        let backend: FirewallBackend
        let program: String
        let arguments: [String]
        /// How many rules of ours there are to be seen afterwards, compared with before.
        let change: Int

        init(
            _ name: String,
            _ backend: FirewallBackend,
            _ command: String,
            _ change: Int
        ) {
            self.name = name
            self.backend = backend
            let words = command.split(separator: " ").map(String.init)
            program = words[0]
            arguments = Array(words.dropFirst())
            self.change = change
        }

        var testDescription: String { "\(name) (\(program))" }
    }

    static let alterations: [Alteration] =
        [
            Alteration("ruleset flushed", .nftables, "nft flush ruleset", -12),
            Alteration("table flushed", .nftables, "nft flush table inet mitosis", -11),
            Alteration("chain emptied", .nftables, "nft flush chain inet mitosis output", -6),
            Alteration("rule added", .nftables, "nft insert rule inet mitosis input accept", 1),
            Alteration(
                "peer taken out",
                .nftables,
                "nft delete element inet mitosis peers6 { 2001:db8::2, 2001:db8::22 }",
                0
            ),
            Alteration(
                "protected port added",
                .nftables,
                "nft add element inet mitosis protected { 2888 }",
                0
            ),
            Alteration("table asleep", .nftables, "nft add table inet mitosis { flags dormant ; }", 0),
            Alteration("chain added", .nftables, "nft add chain inet mitosis more", 0),
            Alteration(
                "policy changed",
                .nftables,
                "nft add chain inet mitosis input { policy drop ; }",
                0
            ),
        ]
        + [("nft", FirewallBackend.iptablesNft), ("legacy", .iptablesLegacy)].flatMap { kind, backend in
            [
                Alteration("rules flushed", backend, "iptables-\(kind) -F", -8),
                Alteration("rule put before the jump", backend, "iptables-\(kind) -I INPUT -j ACCEPT", 0),
                Alteration("jump gone", backend, "ip6tables-\(kind) -D OUTPUT 1", -1),
                Alteration("second jump", backend, "iptables-\(kind) -A INPUT -j MITOSIS-INPUT", 1),
                Alteration("foreign jump", backend, "iptables-\(kind) -A FORWARD -g MITOSIS-OUTPUT", 1),
                Alteration("rule gone", backend, "ip6tables-\(kind) -D MITOSIS-INPUT 4", -1),
                Alteration("rule added", backend, "ip6tables-\(kind) -I MITOSIS-INPUT -j RETURN", 1),
                Alteration(
                    "rule altered",
                    backend,
                    "iptables-\(kind) -R MITOSIS-INPUT 3 -s 198.51.100.2 -p tcp -j DROP",
                    0
                ),
            ]
        }

    @Test("an altered wall is not taken for one, and installing it again mends it", arguments: alterations)
    func altered(alteration: Alteration) async throws {
        try await FirewallBench.run { bench in
            let before = try await bench.firewall(alteration.backend).install(wall)
            try await bench.onWalled(alteration.program, alteration.arguments)
            let found = try await bench.firewall(alteration.backend).installed()
            #expect(found.wall != wall)
            #expect(found.count - before.count == alteration.change, "\(found.listing)")
            let mended = try await bench.firewall(alteration.backend).install(wall)
            #expect(mended.uncounted == before.uncounted)
            try await bench.onWalled(alteration.program, alteration.arguments)
            let removed = try await bench.firewall(alteration.backend).remove()
            #expect(removed.count == 0)
            let everything = try await bench.everything()
            #expect(!everything.lowercased().contains("mitosis"))
        }
    }

    @Test("a rule put before the jump is still there after the wall was mended and removed")
    func insertedRuleStays() async throws {
        try await FirewallBench.run { bench in
            for (kind, backend) in [("nft", FirewallBackend.iptablesNft), ("legacy", .iptablesLegacy)] {
                _ = try await bench.firewall(backend).install(wall)
                try await bench.onWalled("iptables-\(kind)", ["-I", "INPUT", "-p", "udp", "-j", "ACCEPT"])
                _ = try await bench.firewall(backend).install(wall)
                let rules = try await bench.onWalled("iptables-\(kind)", ["-S", "INPUT"])
                #expect(rules == "-P INPUT ACCEPT\n-A INPUT -j MITOSIS-INPUT\n-A INPUT -p udp -j ACCEPT\n")
                _ = try await bench.firewall(backend).remove()
                let left = try await bench.onWalled("iptables-\(kind)", ["-S", "INPUT"])
                #expect(left == "-P INPUT ACCEPT\n-A INPUT -p udp -j ACCEPT\n")
            }
        }
    }

    @Test("a wall made with other protected ports is not taken for the one asked for")
    func otherProtectedPorts() async throws {
        try await FirewallBench.run { bench in
            for backend in FirewallBackend.allCases {
                _ = try await bench.firewall(backend, protectedPorts: [port(22)]).install(wall)
                let found = try await bench.firewall(backend).installed()
                #expect(found.wall == nil && found.count > 0)
                let none = try await bench.firewall(backend, protectedPorts: []).install(wall)
                #expect(none.wall == wall)
                _ = try await bench.firewall(backend).remove()
            }
        }
    }

    @Test("when the second family fails, the error says so and the first one shows")
    func secondFamilyFails() async throws {
        try await FirewallBench.run { bench in
            let script = "/tmp/\(bench.network.prefix)-launcher"
            let text = """
                #!/bin/sh
                case $1 in *ip6tables*restore) echo out of order >&2; exit 2;; esac
                exec "$@"

                """
            try Data(text.utf8).write(to: URL(filePath: script))
            defer { unlink(script) }
            try #require(chmod(script, 0o700) == 0)
            for backend in [FirewallBackend.iptablesNft, .iptablesLegacy] {
                let broken = HostFirewall(
                    backend: backend,
                    protectedPorts: FirewallBench.protectedPorts,
                    launcher: bench.launcher + [script]
                )
                await #expect {
                    _ = try await broken.install(wall)
                } throws: { error in
                    let text = "\(error)"
                    return text.contains("ip6tables") && text.contains("out of order") && text.contains("2")
                }
                let found = try await broken.installed()
                #expect(found.wall?.peers == wall.peers.filter { $0.family == .ipv4 })
                #expect(found.count == 10)
                #expect(try await broken.remove().count == 0)
            }
        }
    }

    @Test("the xtables lock is waited for")
    func lockIsWaitedFor() async throws {
        try await FirewallBench.run { bench in
            let lock = try XtablesLock()
            async let installed = bench.firewall(.iptablesLegacy).install(wall)
            let start = ContinuousClock.now
            try await Task.sleep(for: .milliseconds(1500))
            lock.release()
            #expect(try await installed.wall == wall)
            #expect(ContinuousClock.now - start >= .milliseconds(1500))
        }
    }

    @Test("a lock that is not given is an error, and nothing is read from it")
    func lockNotGiven() async throws {
        try await FirewallBench.run { bench in
            let firewall = bench.firewall(.iptablesLegacy, seconds: 3)
            let before = try await firewall.install(wall)
            let lock = try XtablesLock()
            await #expect {
                _ = try await firewall.remove()
            } throws: { error in
                guard case FirewallError.lockTimeout = error else { return false }
                return "\(error)".contains("xtables lock")
            }
            #expect(try await firewall.installed().uncounted == before.uncounted)
            lock.release()
            #expect(try await firewall.remove().count == 0)
        }
    }

    @Test("a filter table that iptables-nft cannot read hides no rules of ours, and gets none")
    func nativeRules() async throws {
        try await FirewallBench.run { bench in
            let native = "table ip filter {\n chain own {\n  meta mark set ct mark\n }\n}\n"
            let before = try await bench.firewall(.iptablesNft).install(wall)
            try await bench.onWalled("nft", ["-f", "-"], input: native)
            let save = try await bench.onWalled("iptables-nft-save", ["-t", "filter"])
            try #require(FilterTable.isIncompatible(save), "\(save)")
            let found = try await bench.firewall(.iptablesNft).installed()
            #expect(found.wall == nil && found.count == before.count)
            #expect(found.listing.contains("MITOSIS-INPUT"))
            #expect(try await bench.firewall(.iptablesNft).remove().count == 0)
            let after = try await bench.everything()
            #expect(!after.contains("MITOSIS") && after.contains("meta mark set ct mark"))

            await #expect {
                _ = try await bench.firewall(.iptablesNft).install(wall)
            } throws: { error in
                "\(error)".contains("use the backend 'nftables'")
            }
            #expect(try await bench.everything() == after)
            #expect(try await bench.firewall(.nftables).install(wall).wall == wall)
            #expect(try await bench.firewall(.nftables).remove().count == 0)
            #expect(try await bench.everything() == after)
        }
    }
}

/// Holds the lock that iptables-legacy takes, as another program does.
private struct XtablesLock {
    private let descriptor: Int32

    init() throws {
        descriptor = open("/run/xtables.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        try #require(descriptor >= 0 && flock(descriptor, LOCK_EX) == 0)
    }

    func release() { close(descriptor) }
}
