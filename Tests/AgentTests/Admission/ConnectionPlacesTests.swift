import Testing
import Topology

@testable import AgentServer

@Suite("Places of connections")
struct ConnectionPlacesTests {
    private typealias Holder = ConnectionPlaces.Holder

    private func places(
        connections: Int = 6,
        viewers: Int = 4,
        perViewer: Int = 3,
        perCoordinator: Int = 3,
        silent: Int = 4,
        handshakes: Int = 2
    ) -> ConnectionPlaces {
        ConnectionPlaces(
            limits: AgentListener.Limits(
                connections: connections,
                viewers: viewers,
                perViewer: perViewer,
                perCoordinator: perCoordinator,
                silent: silent,
                handshakes: handshakes
            )
        )
    }

    private func viewer(_ name: String) -> Holder { Holder(identity: "viewer/\(name)", isCoordinator: false) }
    private let ops = Holder(identity: "coordinator/ops", isCoordinator: true)

    @Test("a silent flood pushes out its own oldest, and never who comes from elsewhere")
    func silence() {
        var places = places()
        #expect(places.arrive(1, from: "ops") == nil)
        for id in 2...4 { #expect(places.arrive(id, from: "flood") == nil) }
        #expect(places.arrive(5, from: "flood") == 2)
        #expect(places.arrive(6, from: "flood") == 3)
        #expect(places.arrive(7, from: "other") == 4)
        // Equals: the oldest of all.
        #expect(places.arrive(8, from: "third") == 5)
        #expect(places.establish(1, for: ops) == .taken)
    }

    @Test("from one address the newest stays: a flood from a coordinator's own address does not lock it out")
    func sharedAddress() {
        var places = places()
        for id in 1...100 { _ = places.arrive(id, from: "bastion") }
        #expect(places.arrive(101, from: "bastion") == 97)
        #expect(places.greet(101) == nil)
        for id in 102...105 { _ = places.arrive(id, from: "bastion") }
        // Whoever has begun a handshake is not among the silent any more.
        #expect(places.establish(101, for: ops) == .taken)
    }

    @Test("unfinished handshakes push out one another, oldest first of the address that has the most")
    func handshakes() {
        var places = places()
        for (id, source) in [(1, "a"), (2, "b"), (3, "b")] { _ = places.arrive(id, from: source) }
        #expect(places.greet(1) == nil)
        #expect(places.greet(2) == nil)
        #expect(places.greet(3) == 1)
        _ = places.arrive(4, from: "a")
        #expect(places.greet(4) == 2)
    }

    @Test("a coordinator takes a viewer's place, an idle one first, and a viewer never a coordinator's")
    func coordinatorFirst() {
        var places = places(connections: 4, viewers: 4, perViewer: 4)
        for id in 1...4 { #expect(places.establish(id, for: viewer("v")) == .taken) }
        places.note(1, isBusy: true)
        #expect(places.establish(5, for: ops) == .takenInPlace(of: 2))
        #expect(places.establish(6, for: ops) == .takenInPlace(of: 3))
        #expect(places.establish(7, for: ops) == .takenInPlace(of: 4))
        places.note(5, isBusy: true)
        // Its own share is used up: its own oldest idle one goes.
        #expect(places.establish(8, for: ops) == .takenInPlace(of: 6))
        let other = Holder(identity: "coordinator/other", isCoordinator: true)
        #expect(places.establish(9, for: other) == .takenInPlace(of: 1))
        // No viewer is left; whoever has most gives way to another coordinator.
        #expect(places.establish(10, for: other) == .takenInPlace(of: 7))
        #expect(
            places.establish(11, for: viewer("w")) == .refused(reason: "too many viewers' connections: 0")
        )
    }

    @Test("one viewer keeps out no other: whoever has the most makes room, and beyond that nobody does")
    func viewers() {
        var places = places()
        for id in 1...3 { #expect(places.establish(id, for: viewer("v")) == .taken) }
        #expect(places.establish(4, for: viewer("v")) == .takenInPlace(of: 1))
        #expect(places.establish(5, for: viewer("w")) == .taken)
        #expect(places.establish(6, for: viewer("x")) == .takenInPlace(of: 2))
        #expect(places.establish(7, for: viewer("y")) == .takenInPlace(of: 3))
        #expect(places.establish(8, for: viewer("z")) == .refused(reason: "too many viewers' connections: 4"))
        places.leave(5)
        #expect(places.establish(9, for: viewer("z")) == .taken)
    }

    @Test("all addresses of one IPv6 network count as one, and an embedded IPv4 address as itself")
    func sources() throws {
        func source(_ text: String) throws -> String {
            ConnectionBook.source(of: try #require(IPAddress(text)))
        }
        #expect(try source("2001:db8:1:2::5") == source("2001:db8:1:2:ffff::9"))
        #expect(try source("2001:db8:1:2::5") != source("2001:db8:1:3::5"))
        #expect(try source("::ffff:198.51.100.7") == source("198.51.100.7"))
    }
}
