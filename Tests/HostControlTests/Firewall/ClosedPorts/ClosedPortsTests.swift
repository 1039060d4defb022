import ControlProtocol
import Glibc
import HostControl
import LabKit
import Testing
import Topology

/// What closing ports does to real connections of real processes, and what it leaves alone.
@Suite(.needsNamespaces, .serialized)
struct ClosedPortsTests {
    private static let refused = FirewallSocket.Ending.failed(111)
    private static let client = port(2181)
    private static let spared = port(23_456)
    private static let closed = ClosedPorts(ports: [client, port(2182)], exception: spared)

    private struct Place {
        let name: String
        let from: String
        let address: IPAddress
    }

    /// Remote hosts, loopback, and the host's own addresses, in both families.
    private static func places(_ bench: FirewallBench) -> [Place] {
        let walled = bench.network.namespace(of: "walled")
        let loopback = [address("127.0.0.1"), address("::1")]
        return FirewallBench.walled.flatMap { address in
            [
                Place(name: "peer", from: bench.network.namespace(of: "peer"), address: address),
                Place(name: "other", from: bench.network.namespace(of: "other"), address: address),
                Place(name: "own", from: walled, address: address),
            ]
        } + loopback.map { Place(name: "loopback", from: walled, address: $0) }
    }

    /// A client of each kind in each place, and the spared one on each address of the host.
    private static func talk(_ bench: FirewallBench) async throws -> TalkingProcesses {
        let places = places(bench)
        let kinds = [TalkingProcesses.Kind.talking, .silent, .late]
            .flatMap { kind in places.map { ($0, kind) } }
        var clients = kinds.enumerated().map { index, kind in
            TalkingProcesses.Client(
                name: "\(index).\(kind.0.name).\(kind.1)",
                namespace: kind.0.from,
                address: kind.0.address,
                kind: kind.1
            )
        }
        let walled = bench.network.namespace(of: "walled")
        for address in [address("127.0.0.1"), address("::1")] + FirewallBench.walled {
            clients.append(
                TalkingProcesses.Client(
                    name: "\(clients.count).spared",
                    namespace: walled,
                    address: address,
                    localPort: spared
                )
            )
        }
        return try await TalkingProcesses(serverIn: walled, on: client, clients: clients)
    }

    @Test(
        "nothing passes between a closed port and anybody but the one that is spared",
        arguments: FirewallBackend.allCases
    )
    func nothingPasses(backend: FirewallBackend) async throws {
        try await FirewallBench.run { bench in
            try await bench.putForeignRules(iptables: "nft")
            try await bench.putForeignIptables("legacy")
            let rulesBefore = try await bench.everything()
            let talk = try await Self.talk(bench)
            defer { talk.end() }
            let aside = try Self.besides(bench)
            let firewall = bench.lasting(backend)

            let before = TalkingProcesses.now
            let closed = try await firewall.close(Self.closed, behind: nil)
            let after = TalkingProcesses.now
            #expect(closed.closed == Self.closed && closed.wall == nil)
            try talk.speakUp()
            try await Task.sleep(for: .milliseconds(300))
            try Self.expectCut(talk, from: before, to: after)
            try Self.expectRefused(bench, isServed: true)
            let asideWorks = aside.allSatisfy(\.works)
            #expect(asideWorks)
            _ = try Self.besides(bench)

            let walled = try await firewall.close(Self.closed, behind: FirewallBench.wall)
            #expect(walled.closed == Self.closed && walled.wall == FirewallBench.wall)
            try Self.expectRefused(bench, isServed: true)
            try Self.expectWall(bench)
            try Self.expectCut(talk, from: before, to: after)
            try await Self.expectSparedWorks(talk)

            let opened = try await firewall.install(FirewallBench.wall)
            #expect(opened.closed == nil && opened.wall == FirewallBench.wall)
            try Self.expectOpen(bench, isServed: true)
            try Self.expectWall(bench)
            // What was sent while the ports were closed never arrives, not even now, where its connection was ended.
            try Self.expectNothingLate(talk, sentFrom: after, to: after + 300_000_000)

            _ = try await firewall.close(Self.closed, behind: nil)
            try Self.expectRefused(bench, isServed: true)
            let removed = try await firewall.remove()
            #expect(removed.count == 0)
            try Self.expectOpen(bench, isServed: true)
            #expect(try await bench.everything() == rulesBefore)
        }
    }

    @Test(
        "no connection slips through while rules change around closed ports",
        arguments: FirewallBackend.allCases
    )
    func noGap(backend: FirewallBackend) async throws {
        try await FirewallBench.run { bench in
            let firewall = bench.lasting(backend)
            _ = try await firewall.close(Self.closed, behind: nil)
            let places = Self.places(bench)
            let walled = bench.network.namespace(of: "walled")
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    let listeners = try Set(places.map(\.address)).map {
                        try FirewallSocket.listening(in: walled, at: $0, Self.client)
                    }
                    var attempts = 0
                    while !Task.isCancelled {
                        for place in places {
                            let attempt = try FirewallSocket.connecting(
                                in: place.from,
                                to: place.address,
                                Self.client
                            )
                            #expect(attempt.ending == Self.refused, "\(place) after \(attempts) attempts")
                            attempts += 1
                        }
                        await Task.yield()
                    }
                    // Else nothing was tried in between.
                    #expect(attempts > 100)
                    withExtendedLifetime(listeners) {}
                }
                let more = ClosedPorts(ports: Self.closed.ports + [port(2183)], exception: port(5))
                for index in 0..<10 {
                    let wall = [nil, FirewallBench.wall, Wall(peers: FirewallBench.peer, scope: .allTCP)]
                    _ = try await firewall.close(index % 4 < 2 ? Self.closed : more, behind: wall[index % 3])
                }
                group.cancelAll()
                try await group.waitForAll()
            }
        }
    }

    @Test("more ports than one match takes are all closed", arguments: FirewallBackend.allCases)
    func manyPorts(backend: FirewallBackend) async throws {
        try await FirewallBench.run { bench in
            // Also neighbours, which must not be merged into a range that reads back differently.
            let ports = (0..<37).map { port(4000 + 2 * $0) } + (4200...4203).map { port($0) }
            for exception in [nil, Self.spared] {
                let closed = ClosedPorts(ports: ports.reversed(), exception: exception)
                let found = try await bench.firewall(backend).close(closed, behind: FirewallBench.wall)
                #expect(found.closed == closed && found.wall == FirewallBench.wall)
                for number in [ports[0], ports[15], ports[30], ports[40]] {
                    try Self.expectRefused(bench, number)
                }
                for number in [port(4001), port(4031), port(4074)] { try Self.expectOpen(bench, number) }
            }
        }
    }

    @Test(
        "packets at closed ports are not counted as rejected by the wall",
        arguments: FirewallBackend.allCases
    )
    func counters(backend: FirewallBackend) async throws {
        try await FirewallBench.run { bench in
            let firewall = bench.lasting(backend)
            let alone = try await firewall.close(Self.closed, behind: nil)
            #expect(alone.counters.isEmpty)
            try Self.expectRefused(bench)
            #expect(try await firewall.installed().counters.isEmpty)
            _ = try await firewall.close(Self.closed, behind: FirewallBench.wall)
            try Self.expectRefused(bench)
            for rules in [try await firewall.installed(), try await bench.firewall(backend).installed()] {
                #expect(rules.counters.count == 4)
                #expect(rules.counters.allSatisfy { $0.packets == 0 && $0.bytes == 0 }, "\(rules.counters)")
            }
            try Self.expectWall(bench)
            for rules in [try await firewall.installed(), try await bench.firewall(backend).installed()] {
                #expect(rules.counters.count == 4)
                #expect(rules.counters.contains { $0.packets > 0 }, "\(rules.counters)")
            }
        }
    }

    /// Records flowed up to `start`; none that was sent after `end` arrived, either way, but for the spared ones.
    private static func expectCut(_ talk: TalkingProcesses, from start: UInt64, to end: UInt64) throws {
        let arrived = try talk.arrivedAtServer()
        for client in talk.clients {
            let heard = try talk.heard(by: client.name)
            let isSpared = client.localPort != nil
            if client.kind == .late {
                #expect(heard.sent.isEmpty, "\(client.name): not even the first word may pass")
                continue
            }
            let flowed = heard.sent.contains { $0 < start && start - $0 < 100_000_000 }
            #expect(flowed, "\(client.name): the server must talk until the end")
            #expect(heard.sent.contains { $0 > end } == isSpared, "\(client.name) heard \(heard.sent.count)")
            if client.kind == .talking {
                #expect((arrived[client.name] ?? 0 > end) == isSpared, "\(client.name) was heard")
            }
            if isSpared {
                #expect(heard.echoed.contains { $0 > end }, "\(client.name) has no answers")
            }
        }
    }

    /// The spared connections carry what is said from now on, both ways.
    private static func expectSparedWorks(_ talk: TalkingProcesses) async throws {
        let now = TalkingProcesses.now
        for client in talk.clients where client.localPort != nil {
            let works = try await eventually(within: .seconds(3)) {
                try talk.heard(by: client.name).echoed.contains { $0 > now }
            }
            #expect(works, "\(client.name)")
        }
    }

    private static func expectNothingLate(
        _ talk: TalkingProcesses,
        sentFrom start: UInt64,
        to end: UInt64
    ) throws {
        for client in talk.clients where client.localPort == nil {
            let late = try talk.heard(by: client.name).sent.filter { (start...end).contains($0) }
            #expect(late.isEmpty, "\(client.name)")
        }
    }

    /// From everywhere, though somebody listens at every address, and at once.
    ///
    /// - Parameter isServed: whether somebody listens there already.
    private static func expectRefused(
        _ bench: FirewallBench,
        _ number: Port = client,
        isServed: Bool = false
    ) throws {
        try expect(refused, bench, number, isServed: isServed)
    }

    private static func expectOpen(
        _ bench: FirewallBench,
        _ number: Port = client,
        isServed: Bool = false
    ) throws {
        try expect(.fine, bench, number, isServed: isServed)
    }

    private static func expect(
        _ ending: FirewallSocket.Ending,
        _ bench: FirewallBench,
        _ number: Port,
        isServed: Bool
    ) throws {
        let places = places(bench)
        let walled = bench.network.namespace(of: "walled")
        let addresses = isServed ? [] : Set(places.map(\.address))
        let listeners = try addresses.map { try FirewallSocket.listening(in: walled, at: $0, number) }
        for place in places {
            let start = ContinuousClock.now
            let attempt = try FirewallSocket.connecting(in: place.from, to: place.address, number)
            #expect(attempt.ending == ending, "\(place) \(number)")
            #expect(ContinuousClock.now - start < .seconds(1), "\(place) \(number)")
        }
        withExtendedLifetime(listeners) {}
    }

    /// The wall stands besides: its peer is refused at the quorum port.
    private static func expectWall(_ bench: FirewallBench) throws {
        let peer = bench.network.namespace(of: "peer")
        for address in FirewallBench.walled {
            let walled = bench.network.namespace(of: "walled")
            let listener = try FirewallSocket.listening(in: walled, at: address, port(2888))
            let attempt = try FirewallSocket.connecting(in: peer, to: address, port(2888))
            #expect(attempt.ending == refused, "\(address)")
            withExtendedLifetime(listener) {}
        }
    }

    /// Connections that have nothing to do with the closed ports: to the same port number of another host, and to
    /// another port of this one.
    private static func besides(_ bench: FirewallBench) throws -> [FirewallConnection] {
        let walled = bench.network.namespace(of: "walled")
        let other = bench.network.namespace(of: "other")
        return try FirewallBench.other.map {
            try FirewallConnection(from: walled, to: other, at: $0, client)
        }
            + FirewallBench.walled.flatMap { address in
                try [port(2888), port(22)].map {
                    try FirewallConnection(from: other, to: walled, at: address, $0)
                }
            }
            + [address("127.0.0.1"), address("::1")].map {
                try FirewallConnection(from: walled, to: walled, at: $0, port(5000))
            }
    }
}
