import ControlProtocol
import FoundationEssentials
import LabKit
import Testing
import Topology

@testable import HostControl

/// What the kernel holds after ports were closed, how strictly that is read back, and how it is undone.
@Suite(.needsNamespaces, .serialized)
struct ClosedPortsStateTests {
    private let wall = FirewallBench.wall
    private let closed = ClosedPorts(ports: [port(2181), port(2182)], exception: port(23_456))

    private struct State {
        let wall: Wall?
        let closed: ClosedPorts?
    }

    private func isThere(_ state: State, _ rules: InstalledRules) -> Bool {
        rules.wall == state.wall && rules.closed == state.closed
    }

    /// Brings about a state from whatever is there.
    private func make(_ state: State, _ firewall: HostFirewall) async throws -> InstalledRules {
        if let closed = state.closed { return try await firewall.close(closed, behind: state.wall) }
        if let wall = state.wall { return try await firewall.install(wall) }
        return try await firewall.remove()
    }

    @Test(
        "every state is reached from every other, and reads the same to everybody",
        arguments: FirewallBackend.allCases
    )
    func transitions(backend: FirewallBackend) async throws {
        try await FirewallBench.run { bench in
            let ipv6 = Wall(peers: [address("2001:db8::9")], scope: .allTCP)
            let unspared = ClosedPorts(ports: [port(2181)])
            let states = [
                State(wall: nil, closed: closed), State(wall: wall, closed: closed),
                State(wall: wall, closed: nil),
                State(wall: ipv6, closed: unspared), State(wall: nil, closed: nil),
            ]
            let lasting = bench.lasting(backend)
            for from in states {
                for to in states {
                    _ = try await make(from, bench.firewall(backend))
                    let changed = try await make(to, lasting)
                    #expect(isThere(to, changed), "\(from) to \(to)")
                    let fresh = try await bench.firewall(backend).installed()
                    #expect(fresh.uncounted == changed.uncounted, "\(from) to \(to)")
                    let remembered = try await lasting.installed()
                    #expect(remembered.uncounted == changed.uncounted, "\(from) to \(to)")
                }
            }
        }
    }

    @Test("closed ports count as rules", arguments: FirewallBackend.allCases)
    func count(backend: FirewallBackend) async throws {
        try await FirewallBench.run { bench in
            let firewall = bench.firewall(backend)
            let alone = try await firewall.close(closed, behind: nil)
            let behind = try await firewall.close(closed, behind: wall)
            let opened = try await firewall.install(wall)
            // Two rules a chain; with iptables in both families, and each chain with its jump and its two passes.
            #expect(alone.count == (backend == .nftables ? 8 : 20))
            #expect(behind.count == opened.count + (backend == .nftables ? 4 : 8))
            #expect(alone.listing.contains("2181") && alone.listing.contains("23456"))
        }
    }

    @Test(
        "rules left in another backend are replaced by closed ports too",
        arguments: FirewallBackend.allCases
    )
    func residue(backend: FirewallBackend) async throws {
        try await FirewallBench.run { bench in
            for former in FirewallBackend.allCases where former != backend {
                for old in [State(wall: wall, closed: nil), State(wall: nil, closed: closed)] {
                    let left = try await make(old, bench.firewall(former))
                    let seen = try await bench.firewall(backend).installed()
                    #expect(seen.wall == nil && seen.closed == nil && seen.count == left.count)
                    let rules = try await bench.firewall(backend).close(closed, behind: nil)
                    #expect(rules.closed == closed && !rules.listing.contains("left in"))
                    let nothing = try await bench.firewall(former).remove()
                    #expect(nothing.count == 0)
                }
            }
        }
    }

    static let alterations: [(FirewallBackend, String)] =
        [
            "delete element inet mitosis closed { 2182 }", "add element inet mitosis closed { 2183 }",
            "flush chain inet mitosis output", "insert rule inet mitosis input accept",
            "add rule inet mitosis output tcp sport @closed tcp dport != 5 reject with tcp reset",
            "add rule inet mitosis input tcp dport @closed reject with tcp reset",
            "add table inet mitosis { flags dormant ; }",
        ]
        .map { (.nftables, "nft \($0)") }
        + [("nft", FirewallBackend.iptablesNft), ("legacy", .iptablesLegacy)].flatMap { kind, backend in
            [
                "-F", "-D MITOSIS-INPUT 3", "-D MITOSIS-OUTPUT 4", "-I INPUT -j ACCEPT",
                "-R MITOSIS-INPUT 3 -i lo -p tcp -m multiport --dports 2181,2182 -m tcp --sport 5 -j RETURN",
                "-R MITOSIS-INPUT 3 -p tcp -m multiport --dports 2181,2182 -m tcp --sport 23456 -j RETURN",
                "-R MITOSIS-INPUT 4 -p tcp -m multiport --dports 2181 -j REJECT --reject-with tcp-reset",
                "-R MITOSIS-OUTPUT 4 -p tcp -m multiport --sports 2181,2182 -j REJECT --reject-with tcp-reset",
                "-R MITOSIS-OUTPUT 4 -p tcp -m multiport --sports 2181,2182 -m tcp ! --dport 23456 -j DROP",
            ]
            .flatMap { [(backend, "iptables-\(kind) \($0)"), (backend, "ip6tables-\(kind) \($0)")] }
        }

    @Test("altered closed ports are not taken for closed, with a wall or without", arguments: alterations)
    func altered(backend: FirewallBackend, command: String) async throws {
        try await FirewallBench.run { bench in
            let words = command.split(separator: " ").map(String.init)
            for state in [State(wall: nil, closed: closed), State(wall: wall, closed: closed)] {
                let before = try await make(state, bench.firewall(backend))
                try await bench.onWalled(words[0], Array(words.dropFirst()))
                let found = try await bench.firewall(backend).installed()
                #expect(!isThere(state, found) && found.count > 0, "\(found.listing)")
                // Fewer or more elements of a set are what closing other ports makes; everything else is nothing.
                let isOther = command.contains("element") && found.wall == state.wall && found.closed != nil
                let isNothing = found.wall == nil && found.closed == nil
                #expect(isNothing || isOther, "\(found.listing)")
                let mended = try await make(state, bench.firewall(backend))
                #expect(mended.uncounted == before.uncounted)
            }
            #expect(try await bench.firewall(backend).remove().count == 0)
        }
    }

    @Test("closing a protected port is refused and changes nothing", arguments: FirewallBackend.allCases)
    func protectedPort(backend: FirewallBackend) async throws {
        try await FirewallBench.run { bench in
            let installed = try await bench.firewall(backend).close(closed, behind: wall)
            let before = try await bench.everything()
            for number in FirewallBench.protectedPorts {
                await #expect {
                    _ = try await bench.firewall(backend)
                        .close(ClosedPorts(ports: [port(2181), number]), behind: nil)
                } throws: { error in
                    guard case FirewallError.refused(.notAllowed(let reason)) = error else { return false }
                    return reason.contains("refuses to close its own port") && reason.contains("\(number)")
                }
            }
            for bad in [
                ClosedPorts(ports: []), ClosedPorts(ports: [port(2181)], exception: port(2181)),
            ] {
                await #expect {
                    _ = try await bench.firewall(backend).close(bad, behind: nil)
                } throws: { error in
                    guard case FirewallError.refused(.invalid) = error else { return false }
                    return true
                }
            }
            #expect(try await bench.everything() == before)
            #expect(try await bench.firewall(backend).installed().uncounted == installed.uncounted)
        }
    }

    @Test(
        "closing executes no more than the change and its reading back",
        arguments: FirewallBackend.allCases
    )
    func executions(backend: FirewallBackend) async throws {
        try await FirewallBench.run { bench in
            let scratch = try Scratch()
            let script = try scratch.file(
                "counted",
                Array("#!/bin/sh\necho \"$5 $6 $7 $8\" >> \(scratch("calls"))\nexec \"$@\"\n".utf8),
                mode: 0o755
            )
            let firewall = bench.lasting(backend, launcher: [script])
            _ = try await firewall.installed()
            func programs(_ change: () async throws -> InstalledRules) async throws -> [String] {
                try scratch.file("calls", [])
                _ = try await change()
                let calls = String(decoding: try content(of: scratch("calls")), as: UTF8.self)
                // An agent itself reads what `cat` does here.
                return calls.split(separator: "\n").map(String.init).filter { !$0.contains("/cat ") }
            }
            // nft: the transaction, then JSON and text. iptables-nft: a transaction and a reading of each family.
            // iptables-legacy: a reading before as well, once the tables exist.
            let most = [FirewallBackend.nftables: 3, .iptablesNft: 4, .iptablesLegacy: 6]
            let closing = try await programs { try await firewall.close(closed, behind: nil) }
            #expect(closing.count <= most[backend] ?? 0, "\(closing)")
            let walling = try await programs { try await firewall.close(closed, behind: wall) }
            #expect(walling.count == most[backend] ?? 0, "\(walling)")
            let opening = try await programs { try await firewall.install(wall) }
            #expect(opening.count == most[backend] ?? 0, "\(opening)")
        }
    }
}
