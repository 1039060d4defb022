import ControlProtocol
import HostControl
import Testing
import Topology

/// What the kernel holds after each call, and what is left of it.
@Suite(.needsNamespaces, .serialized)
struct FirewallStateTests {
    private let wall = FirewallBench.wall

    @Test(
        "foreign rules are the same to the byte after a wall came and went",
        arguments: FirewallBackend.allCases
    )
    func foreignRulesStay(backend: FirewallBackend) async throws {
        try await FirewallBench.run { bench in
            try await bench.putForeignRules(iptables: "nft")
            try await bench.putForeignIptables("legacy")
            let before = try await bench.everything()
            try #require(before.contains("ct state established,related accept") && before.contains("DOCKER"))
            _ = try await bench.firewall(backend).installed()
            #expect(try await bench.everything() == before)
            _ = try await bench.firewall(backend).install(wall)
            #expect(try await bench.everything() != before)
            let allTCP = Wall(peers: FirewallBench.peer, scope: .allTCP)
            _ = try await bench.firewall(backend).install(allTCP)
            let removed = try await bench.firewall(backend).remove()
            #expect(removed.count == 0 && removed.wall == nil && removed.listing.isEmpty)
            #expect(try await bench.everything() == before)
        }
    }

    @Test(
        "an empty host is left empty, but for what iptables makes by itself",
        arguments: FirewallBackend.allCases
    )
    func emptyHost(backend: FirewallBackend) async throws {
        try await FirewallBench.run { bench in
            let before = try await bench.everything()
            let nothing = try await bench.firewall(backend).remove()
            #expect(nothing.count == 0)
            #expect(try await bench.everything() == before)
            _ = try await bench.firewall(backend).install(wall)
            _ = try await bench.firewall(backend).remove()
            let after = try await bench.everything()
            switch backend {
            case .nftables: #expect(after == before)
            case .iptablesNft:
                // The tables' base chains, empty and accepting.
                let rules = try await bench.onWalled("nft", ["list", "ruleset"])
                #expect(!rules.contains("MITOSIS") && !rules.contains("reject") && !rules.contains("jump"))
                #expect(rules.contains("type filter hook input priority filter; policy accept;"))
            case .iptablesLegacy:
                // The filter tables, in memory and empty.
                #expect(try await bench.onWalled("nft", ["list", "ruleset"]).isEmpty)
                let rules = try await bench.onWalled("iptables-legacy", ["-S"])
                #expect(rules == "-P INPUT ACCEPT\n-P FORWARD ACCEPT\n-P OUTPUT ACCEPT\n")
            }
        }
    }

    @Test("a wall installed twice is there once", arguments: FirewallBackend.allCases)
    func twice(backend: FirewallBackend) async throws {
        try await FirewallBench.run { bench in
            let firewall = bench.firewall(backend)
            let first = try await firewall.install(wall)
            let second = try await firewall.install(wall)
            let fresh = try await bench.firewall(backend).installed()
            #expect(first.uncounted == second.uncounted)
            #expect(second.uncounted == fresh.uncounted)
            #expect(first.wall == wall)
            #expect(first.count == (backend == .nftables ? 12 : 20))
            #expect(first.listing.contains("198.51.100.22") && first.listing.contains("2001:db8::22"))
        }
    }

    @Test("a wall is replaced by another as a whole", arguments: FirewallBackend.allCases)
    func replaced(backend: FirewallBackend) async throws {
        try await FirewallBench.run { bench in
            let walls = [
                wall,
                Wall(peers: [address("198.51.100.9")], scope: .ports(numbers: [port(2889)])),
                Wall(peers: [address("2001:db8::9")], scope: .allTCP),
                Wall(peers: FirewallBench.peer + FirewallBench.other, scope: .allTCP),
            ]
            for next in walls + [wall] {
                let found = try await bench.firewall(backend).install(next)
                #expect(found.wall == next)
                let only = try await bench.firewall(backend).remove()
                #expect(only.count == 0)
                let alone = try await bench.firewall(backend).install(next)
                #expect(alone.uncounted == found.uncounted)
            }
            for _ in 1...2 {
                let removed = try await bench.firewall(backend).remove()
                #expect(removed.count == 0 && removed.wall == nil && removed.counters.isEmpty)
            }
        }
    }

    @Test(
        "rules left in another backend are counted, replaced and removed",
        arguments: FirewallBackend.allCases
    )
    func residue(backend: FirewallBackend) async throws {
        try await FirewallBench.run { bench in
            for former in FirewallBackend.allCases where former != backend {
                let old = try await bench.firewall(former).install(wall)
                let seen = try await bench.firewall(backend).installed()
                #expect(seen.wall == nil)
                #expect(seen.count == old.count)
                #expect(seen.listing.contains("left in \(former.rawValue)"))
                let installed = try await bench.firewall(backend).install(wall)
                #expect(installed.wall == wall)
                #expect(!installed.listing.contains("left in"))
                let former = try await bench.firewall(former).install(wall)
                #expect(former.wall == wall && !former.listing.contains("left in"))
                let removed = try await bench.firewall(backend).remove()
                #expect(removed.count == 0)
            }
        }
    }

    @Test(
        "a wall that names a protected port is refused and changes nothing",
        arguments: FirewallBackend.allCases
    )
    func protectedPort(backend: FirewallBackend) async throws {
        try await FirewallBench.run { bench in
            let installed = try await bench.firewall(backend).install(wall)
            let before = try await bench.everything()
            for number in FirewallBench.protectedPorts {
                let bad = Wall(peers: FirewallBench.peer, scope: .ports(numbers: [port(2888), number]))
                await #expect {
                    _ = try await bench.firewall(backend).install(bad)
                } throws: { error in
                    guard case FirewallError.refused(.notAllowed(let reason)) = error else { return false }
                    return reason.contains("refuses to match its own port") && reason.contains("\(number)")
                }
            }
            #expect(try await bench.everything() == before)
            let unchanged = try await bench.firewall(backend).installed()
            #expect(unchanged.uncounted == installed.uncounted)
        }
    }

    @Test("many installs at once end with one whole wall", arguments: FirewallBackend.allCases)
    func concurrent(backend: FirewallBackend) async throws {
        try await FirewallBench.run { bench in
            let shared = bench.firewall(backend)
            let other = Wall(peers: FirewallBench.other, scope: .allTCP)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in 0..<8 {
                    let desired = index.isMultiple(of: 2) ? wall : other
                    group.addTask {
                        let found = try await shared.install(desired)
                        #expect(found.wall == desired)
                    }
                }
                try await group.waitForAll()
            }
            let found = try await shared.installed()
            #expect(found.wall == wall || found.wall == other)
            #expect(try await bench.firewall(backend).install(wall).wall == wall)
        }
    }

    @Test(
        "what a preview shows makes the wall when given to the tool by hand",
        arguments: FirewallBackend.allCases
    )
    func preview(backend: FirewallBackend) async throws {
        try await FirewallBench.run { bench in
            let text = try bench.firewall(backend).preview(wall)
            switch backend {
            case .nftables: try await bench.onWalled("nft", ["-j", "-f", "-"], input: text)
            case .iptablesNft, .iptablesLegacy:
                for file in text.split(separator: "\n\n") {
                    let command = try #require(file.split(separator: "\n").first).split(separator: " ")
                    try #require(command[0] == "#")
                    try await bench.onWalled(
                        String(command[1]),
                        command.dropFirst(2).map(String.init),
                        input: file + "\n"
                    )
                }
            }
            #expect(try await bench.firewall(backend).installed().wall == wall)
        }
    }
}
