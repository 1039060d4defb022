import ControlProtocol
import LabKit
import Testing
import Topology

@testable import HostControl

/// Hosts that are not as an installer leaves them.
@Suite(.needsNamespaces, .serialized)
struct HostKindsTests {
    private static let refused = FirewallSocket.Ending.failed(111)
    private static let resets = [FirewallSocket.Ending.failed(104), .failed(103)]
    private let quorum = port(2888)

    /// Nothing passes but what is named, and what was once let through is not looked at again.
    private static func closeHost(_ bench: FirewallBench, _ backend: FirewallBackend) async throws {
        switch backend {
        case .nftables:
            let chain = { (hook: String) in
                """
                chain \(hook) {
                	type filter hook \(hook) priority filter; policy drop;
                	ct state established,related accept
                	meta l4proto { icmp, ipv6-icmp } accept
                	tcp dport { 22, 2181, 2888, 3888 } accept
                }
                """
            }
            try await bench.onWalled(
                "nft",
                ["-f", "-"],
                input: "table inet filter {\n\(chain("input"))\n\(chain("output"))\n}\n"
            )
        case .iptablesNft, .iptablesLegacy:
            for (family, icmp) in [("iptables", "icmp"), ("ip6tables", "ipv6-icmp")] {
                let rules = ["INPUT", "OUTPUT"].map { chain in
                    """
                    -A \(chain) -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
                    -A \(chain) -p \(icmp) -j ACCEPT
                    -A \(chain) -p tcp -m multiport --dports 22,2181,2888,3888 -j ACCEPT

                    """
                }
                try await bench.onWalled(
                    "\(family)-\(backend == .iptablesNft ? "nft" : "legacy")-restore",
                    input:
                        "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT DROP [0:0]\n\(rules.joined())COMMIT\n"
                )
            }
        }
    }

    @Test(
        "where all is dropped and what is established accepted first, a wall ends and refuses all the same",
        arguments: FirewallBackend.allCases
    )
    func dropsByDefault(backend: FirewallBackend) async throws {
        try await FirewallBench.run { bench in
            try await Self.closeHost(bench, backend)
            let before = try await bench.everything()
            let (walled, peer) = (bench.network.namespace(of: "walled"), bench.network.namespace(of: "peer"))
            let calls =
                FirewallBench.walled.map { (peer, walled, $0) }
                + FirewallBench.peer.prefix(1).map { (walled, peer, $0) }
            let doomed = try calls.map { try FirewallConnection(from: $0.0, to: $0.1, at: $0.2, quorum) }
            let kept = try calls.map { try FirewallConnection(from: $0.0, to: $0.1, at: $0.2, port(2181)) }
            let firewall = bench.firewall(backend)
            let installed = try await firewall.install(FirewallBench.wall)
            #expect(installed.wall == FirewallBench.wall)
            for (call, connection) in zip(calls, doomed) {
                let endings = connection.endings()
                #expect(Self.resets.contains(endings.client), "\(call) \(endings.client)")
                #expect(Self.resets.contains(endings.server), "\(call) \(endings.server)")
            }
            for (from, to, address) in calls {
                let listener = try FirewallSocket.listening(in: to, at: address, quorum)
                let attempt = try FirewallSocket.connecting(in: from, to: address, quorum)
                #expect(attempt.ending == Self.refused, "\(address)")
                withExtendedLifetime(listener) {}
            }
            let stillWork = kept.allSatisfy(\.works)
            #expect(stillWork)
            _ = try await firewall.remove()
            for (from, to, address) in calls {
                _ = try FirewallConnection(from: from, to: to, at: address, quorum)
            }
            #expect(try await bench.everything() == before)
        }
    }

    @Test(
        "a reload of iptables' or firewalld's rules leaves a wall of nftables alone",
        arguments: ["nft", "legacy"]
    )
    func reloaded(kind: String) async throws {
        try await FirewallBench.run { bench in
            try await bench.putForeignIptables(kind)
            try await bench.onWalled("nft", ["add", "table", "inet", "firewalld"])
            let installed = try await bench.firewall(.nftables).install(FirewallBench.wall)
            try await bench.onWalled("nft", ["delete", "table", "inet", "firewalld"])
            for family in ["iptables", "ip6tables"] {
                try await bench.onWalled("\(family)-\(kind)", ["-F"])
                try await bench.onWalled("\(family)-\(kind)", ["-X"])
            }
            try await bench.putForeignIptables(kind)
            let after = try await bench.firewall(.nftables).installed()
            #expect(after.uncounted == installed.uncounted)
            let listener = try FirewallSocket.listening(
                in: bench.network.namespace(of: "walled"),
                at: FirewallBench.walled[0],
                quorum
            )
            let attempt = try FirewallSocket.connecting(
                in: bench.network.namespace(of: "peer"),
                to: FirewallBench.walled[0],
                quorum
            )
            #expect(attempt.ending == Self.refused)
            withExtendedLifetime(listener) {}
        }
    }

    @Test("where IPv6 is disabled a wall comes and goes as elsewhere", arguments: FirewallBackend.allCases)
    func withoutIPv6(backend: FirewallBackend) async throws {
        try await FirewallBench.run { bench in
            try await bench.onWalled("sysctl", ["-qw", "net.ipv6.conf.all.disable_ipv6=1"])
            try #require(!(try await bench.onWalled("ip", ["-6", "address"])).contains("inet6"))
            let (walled, peer) = (bench.network.namespace(of: "walled"), bench.network.namespace(of: "peer"))
            let address = FirewallBench.walled[0]
            let doomed = try FirewallConnection(from: peer, to: walled, at: address, quorum)
            let firewall = bench.firewall(backend)
            let installed = try await firewall.install(FirewallBench.wall)
            #expect(installed.wall == FirewallBench.wall)
            #expect(Self.resets.contains(doomed.endings().server))
            let listener = try FirewallSocket.listening(in: walled, at: address, quorum)
            let attempt = try FirewallSocket.connecting(in: peer, to: address, quorum)
            #expect(attempt.ending == Self.refused)
            withExtendedLifetime(listener) {}
            let removed = try await firewall.remove()
            #expect(removed.count == 0 && removed.unreadable == nil)
            let again = try await firewall.installed()
            #expect(again.count == 0 && again.wall == nil)
        }
    }
}
