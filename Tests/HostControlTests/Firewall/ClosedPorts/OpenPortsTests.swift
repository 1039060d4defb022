import ControlProtocol
import FoundationEssentials
import LabKit
import Testing
import Topology

@testable import HostControl

/// An agent that starts takes away the closed ports that one before it left, and nothing else.
@Suite(.needsNamespaces, .serialized)
struct OpenPortsTests {
    private let wall = FirewallBench.wall
    private let closed = ClosedPorts(ports: [port(2181)], exception: port(23_456))

    /// Whether `other` gets through to a listener, in each family.
    private func isOpen(_ bench: FirewallBench) throws -> [Bool] {
        let walled = bench.network.namespace(of: "walled")
        return try FirewallBench.walled.map { address in
            let listener = try FirewallSocket.listening(in: walled, at: address, port(2181))
            let other = bench.network.namespace(of: "other")
            let attempt = try FirewallSocket.connecting(in: other, to: address, port(2181))
            withExtendedLifetime(listener) {}
            return attempt.ending == .fine
        }
    }

    @Test("closed ports are opened and the wall is left as it is", arguments: FirewallBackend.allCases)
    func wallStays(backend: FirewallBackend) async throws {
        try await FirewallBench.run { bench in
            try await bench.putForeignRules(iptables: "nft")
            try await bench.putForeignIptables("legacy")
            _ = try await bench.firewall(backend).install(wall)
            let walled = try await bench.everything()
            _ = try await bench.firewall(backend).close(closed, behind: wall)
            #expect(try isOpen(bench) == [false, false])
            let peer = bench.network.namespace(of: "peer")
            for address in FirewallBench.walled {
                _ = try FirewallSocket.connecting(in: peer, to: address, port(2888))
            }
            let before = try await bench.firewall(backend).installed()
            try #require(before.counters.contains { $0.packets > 0 })
            let opened = try #require(try await bench.firewall(backend).openPorts())
            #expect(opened.wall == wall && opened.closed == nil)
            // The wall's rules were not touched.
            #expect(opened.counters == before.counters)
            #expect(try isOpen(bench) == [true, true])
            let fresh = try await bench.firewall(backend).installed()
            #expect(fresh.uncounted == opened.uncounted)
            let handles = #/# handle \d+/#
            let now = try await bench.everything()
            #expect(now.replacing(handles, with: "") == walled.replacing(handles, with: ""))
            #expect(try await bench.firewall(backend).openPorts() == nil)
        }
    }

    @Test("when nothing but closed ports is there, nothing is left", arguments: FirewallBackend.allCases)
    func nothingStays(backend: FirewallBackend) async throws {
        try await FirewallBench.run { bench in
            try await bench.putForeignRules(iptables: "nft")
            try await bench.putForeignIptables("legacy")
            let before = try await bench.everything()
            #expect(try await bench.firewall(backend).openPorts() == nil)
            #expect(try await bench.everything() == before)
            _ = try await bench.firewall(backend).close(closed, behind: nil)
            let opened = try #require(try await bench.firewall(backend).openPorts())
            #expect(opened.count == 0 && opened.wall == nil && opened.closed == nil)
            #expect(try await bench.everything() == before)
        }
    }

    @Test("a wall alone is left alone", arguments: FirewallBackend.allCases)
    func wallAlone(backend: FirewallBackend) async throws {
        try await FirewallBench.run { bench in
            _ = try await bench.firewall(backend).install(wall)
            let before = try await bench.everything()
            #expect(try await bench.firewall(backend).openPorts() == nil)
            #expect(try await bench.everything() == before)
        }
    }

    @Test(
        "ports that were closed in one family before the agent died are opened",
        // With legacy, IPv4 comes first.
        arguments: [
            (FirewallBackend.iptablesNft, "iptables"), (.iptablesNft, "ip6tables"),
            (.iptablesLegacy, "ip6tables"),
        ]
    )
    func half(backend: FirewallBackend, failing: String) async throws {
        try await FirewallBench.run { bench in
            let scratch = try Scratch()
            let text = "#!/bin/sh\ncase $1 in */\(failing)-*restore) exit 2;; esac\nexec \"$@\"\n"
            let script = try scratch.file("launcher", Array(text.utf8), mode: 0o755)
            for former in [wall, nil] {
                if let former { _ = try await bench.firewall(backend).install(former) }
                let broken = HostFirewall(
                    backend: backend,
                    protectedPorts: FirewallBench.protectedPorts,
                    launcher: bench.launcher + [script]
                )
                await #expect(throws: FirewallError.self) { try await broken.close(closed, behind: former) }
                #expect(try isOpen(bench) == [failing == "iptables", failing == "ip6tables"])
                let half = try await bench.firewall(backend).installed()
                #expect(half.wall == nil && half.closed == nil && half.count > 0)
                let opened = try #require(try await bench.firewall(backend).openPorts())
                #expect(opened.wall == former && opened.closed == nil)
                #expect((opened.count == 0) == (former == nil))
                #expect(try isOpen(bench) == [true, true])
                #expect(try await bench.firewall(backend).remove().count == 0)
            }
        }
    }

    static let alterations: [(FirewallBackend, String)] = [
        (.nftables, "nft add chain inet mitosis more"),
        (.nftables, "nft insert rule inet mitosis input udp dport 7 accept"),
        (.nftables, "nft flush chain inet mitosis output"),
        (.iptablesNft, "iptables-nft -D MITOSIS-INPUT 1"), (.iptablesNft, "ip6tables-nft -F OUTPUT"),
        (.iptablesLegacy, "iptables-legacy -I MITOSIS-OUTPUT -p udp -j RETURN"),
        (.iptablesLegacy, "ip6tables-legacy -I INPUT -p udp -j ACCEPT"),
    ]

    @Test(
        "closed ports that were altered are opened, and the rest stays to be looked at",
        arguments: alterations
    )
    func altered(backend: FirewallBackend, command: String) async throws {
        try await FirewallBench.run { bench in
            let words = command.split(separator: " ").map(String.init)
            for former in [wall, nil] {
                _ = try await bench.firewall(backend).close(closed, behind: former)
                try await bench.onWalled(words[0], Array(words.dropFirst()))
                let opened = try #require(try await bench.firewall(backend).openPorts())
                #expect(opened.wall == nil && opened.closed == nil)
                #expect((opened.count > 0) == (former != nil), "\(opened.listing)")
                #expect(try isOpen(bench) == [true, true])
                #expect(try await bench.firewall(backend).openPorts() == nil)
                #expect(try await bench.firewall(backend).remove().count == 0)
            }
        }
    }

    @Test("ports closed in a backend that is no longer the configured one are opened too")
    func otherBackend() async throws {
        try await FirewallBench.run { bench in
            for backend in FirewallBackend.allCases {
                for former in FirewallBackend.allCases where former != backend {
                    _ = try await bench.firewall(former).close(closed, behind: wall)
                    let opened = try #require(try await bench.firewall(backend).openPorts())
                    #expect(opened.wall == nil && opened.count > 0)
                    #expect(try isOpen(bench) == [true, true])
                    #expect(try await bench.firewall(former).installed().wall == wall)
                    #expect(try await bench.firewall(backend).remove().count == 0)
                }
            }
        }
    }
}
