import ControlProtocol
import HostControl
import LabKit
import Testing
import Topology

/// What a wall does to real connections between hosts, with foreign rules in its way.
@Suite(.needsNamespaces, .serialized)
struct FirewallWallTests {
    private static let refused = FirewallSocket.Ending.failed(111)
    /// Reset by the other end, or by this host's own kernel.
    private static let resets = [FirewallSocket.Ending.failed(104), .failed(103)]

    private struct Side {
        let name: String
        let from: String
        let to: String
        let address: IPAddress
    }

    /// Both directions between the walled host and its peer, by every address that the one called has.
    private static func sides(_ bench: FirewallBench) -> [Side] {
        let walled = bench.network.namespace(of: "walled")
        let peer = bench.network.namespace(of: "peer")
        return FirewallBench.peer.map { Side(name: "outbound", from: walled, to: peer, address: $0) }
            + FirewallBench.walled.map { Side(name: "inbound", from: peer, to: walled, address: $0) }
    }

    @Test(
        "a wall by ports ends and refuses connections both ways, and leaves all others alone",
        arguments: FirewallBackend.allCases
    )
    func portsAreCut(backend: FirewallBackend) async throws {
        try await FirewallBench.run { bench in
            try await bench.putForeignRules(iptables: backend == .iptablesLegacy ? "legacy" : "nft")
            let sides = Self.sides(bench)
            let quorum = port(2888)
            let client = port(2181)
            let doomed = try sides.map {
                try FirewallConnection(from: $0.from, to: $0.to, at: $0.address, quorum)
            }
            let kept = try sides.map {
                try FirewallConnection(from: $0.from, to: $0.to, at: $0.address, client)
            }
            let aside = try Self.besides(bench, quorum)

            let firewall = bench.firewall(backend)
            let wall = Wall(peers: FirewallBench.peer, scope: .ports(numbers: [quorum, port(3888)]))
            let installed = try await firewall.install(wall)
            #expect(installed.wall == wall)

            for (side, connection) in zip(sides, doomed) {
                let endings = connection.endings()
                #expect(Self.resets.contains(endings.client), "\(side) \(endings.client)")
                #expect(Self.resets.contains(endings.server), "\(side) \(endings.server)")
            }
            try Self.expectRefused(sides, quorum)
            try Self.expectRefused(sides, port(3888))
            #expect(Self.allWork(kept))
            #expect(Self.allWork(aside))
            for side in sides {
                _ = try FirewallConnection(from: side.from, to: side.to, at: side.address, client)
            }
            _ = try Self.besides(bench, quorum)
            let counters = try await firewall.installed().counters
            #expect(counters.count == 4)
            #expect(counters.allSatisfy { $0.packets > 0 && $0.bytes >= 40 * $0.packets }, "\(counters)")

            _ = try await firewall.remove()
            for side in sides {
                _ = try FirewallConnection(from: side.from, to: side.to, at: side.address, quorum)
            }
        }
    }

    @Test(
        "connections that say nothing are ended at both ends as well",
        arguments: FirewallBackend.allCases
    )
    func silentConnectionsEnd(backend: FirewallBackend) async throws {
        try await FirewallBench.run { bench in
            let sides = Self.sides(bench)
            let doomed = try sides.map {
                try FirewallConnection(from: $0.from, to: $0.to, at: $0.address, port(3888))
            }
            _ = try await bench.firewall(backend).install(FirewallBench.wall)
            for (side, connection) in zip(sides, doomed) {
                let client = connection.client.receive()
                let server = connection.server.receive()
                #expect(Self.resets.contains(client), "\(side) client: \(client)")
                #expect(Self.resets.contains(server), "\(side) server: \(server)")
            }
        }
    }

    @Test(
        "a wall against all TCP spares what comes in to the agent's port and SSH, and nothing else of the peer",
        arguments: FirewallBackend.allCases
    )
    func allTCPIsCut(backend: FirewallBackend) async throws {
        try await FirewallBench.run { bench in
            try await bench.putForeignRules(iptables: backend == .iptablesLegacy ? "legacy" : "nft")
            let sides = Self.sides(bench)
            let inbound = sides.filter { $0.name == "inbound" }
            let outbound = sides.filter { $0.name == "outbound" }
            let doomedSides = sides + outbound
            let doomed =
                try sides.map { try FirewallConnection(from: $0.from, to: $0.to, at: $0.address, port(5000)) }
                + outbound.map { try FirewallConnection(from: $0.from, to: $0.to, at: $0.address, port(22)) }
            let kept = try inbound.flatMap { side in
                try FirewallBench.protectedPorts.map {
                    try FirewallConnection(from: side.from, to: side.to, at: side.address, $0)
                }
            }
            let aside = try Self.besides(bench, port(5000))
            let wall = Wall(peers: FirewallBench.peer, scope: .allTCP)
            let found = try await bench.firewall(backend).install(wall).wall
            #expect(found == wall)
            for (side, connection) in zip(doomedSides, doomed) {
                let endings = connection.endings()
                #expect(Self.resets.contains(endings.client), "\(side) \(endings.client)")
                #expect(Self.resets.contains(endings.server), "\(side) \(endings.server)")
            }
            try Self.expectRefused(sides, port(2181))
            #expect(Self.allWork(kept))
            #expect(Self.allWork(aside))
            for number in FirewallBench.protectedPorts {
                for side in inbound {
                    _ = try FirewallConnection(from: side.from, to: side.to, at: side.address, number)
                }
                try Self.expectRefused(outbound, number)
            }
        }
    }

    @Test(
        "more ports than one match takes are all cut, and no port beside them",
        arguments: FirewallBackend.allCases
    )
    func manyPorts(backend: FirewallBackend) async throws {
        try await FirewallBench.run { bench in
            // Also neighbours, which must not be merged into a range that reads back differently.
            let ports = (0..<37).map { port(4000 + 2 * $0) } + (4200...4203).map { port($0) }
            let wall = Wall(peers: FirewallBench.peer, scope: .ports(numbers: ports))
            let found = try await bench.firewall(backend).install(wall).wall
            #expect(found == wall)
            let sides = Self.sides(bench)
            for number in [ports[0], ports[15], ports[30], ports[40]] {
                try Self.expectRefused(sides, number)
            }
            for number in [port(4001), port(4031), port(4074)] {
                for side in sides {
                    _ = try FirewallConnection(from: side.from, to: side.to, at: side.address, number)
                }
            }
        }
    }

    @Test("a wall of one family leaves the other family alone", arguments: FirewallBackend.allCases)
    func oneFamily(backend: FirewallBackend) async throws {
        try await FirewallBench.run { bench in
            for family in [IPAddress.Family.ipv4, .ipv6] {
                let peers = FirewallBench.peer.filter { $0.family == family }
                let wall = Wall(peers: peers, scope: .ports(numbers: [port(2888)]))
                let found = try await bench.firewall(backend).install(wall).wall
                #expect(found == wall)
                let sides = Self.sides(bench)
                try Self.expectRefused(sides.filter { $0.address.family == family }, port(2888))
                for side in sides where side.address.family != family {
                    _ = try FirewallConnection(from: side.from, to: side.to, at: side.address, port(2888))
                }
            }
        }
    }

    private static func allWork(_ connections: [FirewallConnection]) -> Bool {
        connections.allSatisfy(\.works)
    }

    @Test("no connection slips through while a wall is replaced", arguments: FirewallBackend.allCases)
    func replacedWithoutGap(backend: FirewallBackend) async throws {
        try await FirewallBench.run { bench in
            let firewall = bench.firewall(backend)
            let number = port(2888)
            let walls = [Wall(peers: FirewallBench.peer, scope: .allTCP), FirewallBench.wall]
            _ = try await firewall.install(walls[1])
            let sides = Self.sides(bench)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    let listeners = try sides.map {
                        try FirewallSocket.listening(in: $0.to, at: $0.address, number)
                    }
                    var attempts = 0
                    while !Task.isCancelled {
                        for side in sides {
                            let attempt = try FirewallSocket.connecting(
                                in: side.from,
                                to: side.address,
                                number
                            )
                            #expect(attempt.ending == Self.refused, "\(side) after \(attempts) attempts")
                            attempts += 1
                        }
                        await Task.yield()
                    }
                    // Else nothing was tried in between.
                    #expect(attempts > 100)
                    withExtendedLifetime(listeners) {}
                }
                for index in 0..<10 { _ = try await firewall.install(walls[index % 2]) }
                group.cancelAll()
                try await group.waitForAll()
            }
        }
    }

    /// Connections of the walled host and of the peer with a third host, and within the walled host.
    private static func besides(_ bench: FirewallBench, _ port: Port) throws -> [FirewallConnection] {
        let walled = bench.network.namespace(of: "walled")
        let peer = bench.network.namespace(of: "peer")
        let other = bench.network.namespace(of: "other")
        return try FirewallBench.other.map {
            try FirewallConnection(from: walled, to: other, at: $0, port)
        }
            + FirewallBench.other.map { try FirewallConnection(from: peer, to: other, at: $0, port) }
            + FirewallBench.walled.map { try FirewallConnection(from: other, to: walled, at: $0, port) }
            + FirewallBench.walled.map { try FirewallConnection(from: walled, to: walled, at: $0, port) }
    }

    /// Somebody listens at every address, and still each connect is refused, at once.
    private static func expectRefused(_ sides: [Side], _ port: Port) throws {
        for side in sides {
            let listener = try FirewallSocket.listening(in: side.to, at: side.address, port)
            let start = ContinuousClock.now
            let attempt = try FirewallSocket.connecting(in: side.from, to: side.address, port)
            #expect(attempt.ending == refused, "\(side.name) \(side.address) \(port)")
            #expect(ContinuousClock.now - start < .seconds(1), "\(side.name) \(side.address) \(port)")
            withExtendedLifetime(listener) {}
        }
    }
}
