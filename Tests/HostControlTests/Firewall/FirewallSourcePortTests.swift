import ControlProtocol
import LabKit
import Testing
import Topology

@testable import HostControl

/// Whoever connects chooses the port that he connects from: it opens nothing.
@Suite(.needsNamespaces, .serialized)
struct FirewallSourcePortTests {
    private static let refused = FirewallSocket.Ending.failed(111)
    private static let resets = [FirewallSocket.Ending.failed(104), .failed(103)]
    private static let scopes = [Wall.Scope.allTCP, .ports(numbers: [port(2181), port(2888)])]
    private static let cases = FirewallBackend.allCases.flatMap { backend in scopes.map { (backend, $0) } }

    private struct Side {
        let from: String
        let to: String
        let address: IPAddress
    }

    private static func inbound(_ bench: FirewallBench, from host: String = "peer") -> [Side] {
        let (from, to) = (bench.network.namespace(of: host), bench.network.namespace(of: "walled"))
        return FirewallBench.walled.map { Side(from: from, to: to, address: $0) }
    }

    private static func outbound(_ bench: FirewallBench) -> [Side] {
        let (from, to) = (bench.network.namespace(of: "walled"), bench.network.namespace(of: "peer"))
        return FirewallBench.peer.map { Side(from: from, to: to, address: $0) }
    }

    private static func expectRefused(_ side: Side, _ number: Port, from localPort: Port) throws {
        let listener = try FirewallSocket.listening(in: side.to, at: side.address, number)
        let attempt = try FirewallSocket.connecting(in: side.from, to: side.address, number, from: localPort)
        #expect(attempt.ending == refused, "\(side) from \(localPort) to \(number)")
        withExtendedLifetime(listener) {}
    }

    @Test("a connection from a protected port is stopped like any other, both ways", arguments: cases)
    func fromProtectedPort(backend: FirewallBackend, scope: Wall.Scope) async throws {
        try await FirewallBench.run { bench in
            try await bench.putForeignRules(iptables: backend == .iptablesLegacy ? "legacy" : "nft")
            let wall = Wall(peers: FirewallBench.peer, scope: scope)
            let found = try await bench.firewall(backend).install(wall).wall
            #expect(found == wall)
            for side in Self.inbound(bench) + Self.outbound(bench) {
                for number in [port(2181), port(2888)] {
                    for localPort in FirewallBench.protectedPorts {
                        try Self.expectRefused(side, number, from: localPort)
                    }
                }
            }
        }
    }

    @Test("a protected port is reached from whatever port, and answers", arguments: cases)
    func toProtectedPort(backend: FirewallBackend, scope: Wall.Scope) async throws {
        try await FirewallBench.run { bench in
            let wall = Wall(peers: FirewallBench.peer, scope: scope)
            let sides = Self.inbound(bench)
            let before = try sides.map {
                try FirewallConnection(
                    from: $0.from,
                    to: $0.to,
                    at: $0.address,
                    port(22),
                    localPort: port(2888)
                )
            }
            _ = try await bench.firewall(backend).install(wall)
            for connection in before { #expect(scope != .allTCP || connection.works) }
            for side in sides {
                for (number, localPort) in [(22, 2181), (9760, 22), (9760, 2888), (22, 9760)] {
                    let connection = try FirewallConnection(
                        from: side.from,
                        to: side.to,
                        at: side.address,
                        port(number),
                        localPort: port(localPort)
                    )
                    #expect(connection.works, "\(side) from \(localPort) to \(number)")
                }
            }
        }
    }

    @Test(
        "a connection that was made from a protected port before the wall is ended, by the rules alone too",
        arguments: cases
    )
    func madeBefore(backend: FirewallBackend, scope: Wall.Scope) async throws {
        try await FirewallBench.run { bench in
            for isKernelAsked in [true, false] {
                // What this host itself began from a protected port looks like an answer to the rules.
                let isSeen = isKernelAsked && scope != .allTCP
                let sides = Self.inbound(bench) + (isSeen ? Self.outbound(bench) : [])
                let doomed = try sides.map {
                    try FirewallConnection(
                        from: $0.from,
                        to: $0.to,
                        at: $0.address,
                        port(2888),
                        localPort: port(22)
                    )
                }
                let firewall =
                    isKernelAsked ? bench.firewall(backend) : bench.firewall(backend, ending: { _ in nil })
                _ = try await firewall.install(Wall(peers: FirewallBench.peer, scope: scope))
                for (side, connection) in zip(sides, doomed) {
                    let endings = connection.endings()
                    #expect(Self.resets.contains(endings.client), "\(side) \(endings.client)")
                    #expect(Self.resets.contains(endings.server), "\(side) \(endings.server)")
                }
                _ = try await firewall.remove()
            }
        }
    }

    @Test(
        "another host does not get to closed ports by the port that is spared",
        arguments: FirewallBackend.allCases
    )
    func fromSparedPort(backend: FirewallBackend) async throws {
        try await FirewallBench.run { bench in
            let closed = ClosedPorts(ports: [port(2181)], exception: port(700))
            for wall in [nil, FirewallBench.wall] {
                _ = try await bench.firewall(backend).close(closed, behind: wall)
                for host in ["peer", "other"] {
                    for side in Self.inbound(bench, from: host) {
                        for localPort in [port(700), port(22)] {
                            try Self.expectRefused(side, port(2181), from: localPort)
                        }
                    }
                }
                let walled = bench.network.namespace(of: "walled")
                for own in FirewallBench.walled {
                    let spared = try FirewallConnection(
                        from: walled,
                        to: walled,
                        at: own,
                        port(2181),
                        localPort: port(700)
                    )
                    #expect(spared.works, "\(own)")
                }
            }
        }
    }

    /// What agents before 0.2 installed: whatever is *from* a protected port passes, too.
    private static func older(_ backend: FirewallBackend) -> [(program: String, text: String)] {
        switch backend {
        case .nftables:
            let chain = { (name: String, address: String, own: String, other: String, end: String) in
                """
                 chain \(name) { type filter hook \(name) priority -10; policy accept;
                  tcp flags rst return
                  tcp dport @protected return
                  tcp sport @protected return
                  tcp \(own) @closed tcp \(other) != 700 \(end)
                  ip \(address) @peers4 meta l4proto tcp counter reject with tcp reset
                 }

                """
            }
            let text = """
                table inet mitosis {
                 set peers4 { type ipv4_addr; elements = { 198.51.100.2 } }
                 set protected { type inet_service; elements = { 22, 9760 } }
                 set closed { type inet_service; elements = { 2181 } }
                \(chain("input", "saddr", "dport", "sport", "reject with tcp reset"))
                \(chain("output", "daddr", "sport", "dport", "drop"))
                }

                """
            return [("nft", text)]
        case .iptablesNft, .iptablesLegacy:
            let kind = backend == .iptablesNft ? "nft" : "legacy"
            return ["iptables", "ip6tables"].map { family in
                let rules = [
                    ("INPUT", "d", "s", "REJECT --reject-with tcp-reset"), ("OUTPUT", "s", "d", "DROP"),
                ]
                .flatMap { chain, own, other, end in
                    [
                        "-p tcp -m tcp --tcp-flags RST RST -j RETURN",
                        "-p tcp -m multiport --ports 22,9760 -j RETURN",
                        "-p tcp -m multiport --\(own)ports 2181 -m tcp ! --\(other)port 700 -j \(end)",
                    ]
                    .map { "-A MITOSIS-\(chain) \($0)\n" }
                        + (family == "iptables"
                            ? [
                                "-A MITOSIS-\(chain) -\(other) 198.51.100.2/32 -p tcp -j REJECT "
                                    + "--reject-with tcp-reset\n"
                            ] : [])
                        + ["-I \(chain) 1 -j MITOSIS-\(chain)\n"]
                }
                return (
                    "\(family)-\(kind)-restore",
                    "*filter\n:MITOSIS-INPUT - [0:0]\n:MITOSIS-OUTPUT - [0:0]\n\(rules.joined())COMMIT\n"
                )
            }
        }
    }

    @Test(
        "the wall of an older agent is listed and not taken for one; it is opened, replaced and removed",
        arguments: FirewallBackend.allCases
    )
    func olderWall(backend: FirewallBackend) async throws {
        try await FirewallBench.run { bench in
            let wall = Wall(peers: [FirewallBench.peer[0]], scope: .allTCP)
            let putOlder = {
                for (program, text) in Self.older(backend) {
                    let arguments = program == "nft" ? ["-f", "-"] : ["--noflush"]
                    try await bench.onWalled(program, arguments, input: text)
                }
            }
            try await putOlder()
            let found = try await bench.firewall(backend).installed()
            #expect(found.wall == nil && found.closed == nil && found.count > 0)
            #expect(found.listing.contains("198.51.100.2") && found.listing.contains("2181"))

            // This is what was wrong with it.
            for side in Self.inbound(bench) where side.address.family == .ipv4 {
                _ = try FirewallConnection(
                    from: side.from,
                    to: side.to,
                    at: side.address,
                    port(2888),
                    localPort: port(22)
                )
            }

            // An agent that starts opens what the one before it had closed.
            _ = try #require(try await bench.firewall(backend).openPorts())
            let opened = try await bench.firewall(backend).installed()
            #expect(opened.wall == nil && opened.count > 0 && !opened.listing.contains("2181"))

            _ = try await bench.firewall(backend).remove()
            try await putOlder()
            let replaced = try await bench.firewall(backend).install(wall)
            #expect(replaced.wall == wall && replaced.closed == nil)
            for side in Self.inbound(bench) where side.address.family == .ipv4 {
                let attempt = try FirewallSocket.connecting(
                    in: side.from,
                    to: side.address,
                    port(2888),
                    from: port(22)
                )
                #expect(attempt.ending == Self.refused)
            }
            #expect(try await bench.firewall(backend).remove().count == 0)

            try await putOlder()
            #expect(try await bench.firewall(backend).remove().count == 0)
            #expect(!(try await bench.everything()).lowercased().contains("mitosis"))
        }
    }
}
