import ControlProtocol
import Glibc
import Testing
import Topology

@testable import HostControl

/// Which connections count as cut, and what the kernel's answers about them mean.
struct CutConnectionsTests {
    private static let closed = CutConnections.closed(
        ClosedPorts(ports: [port(2181), port(2182)], exception: port(700))
    )

    private static func entry(_ local: (String, Int), _ remote: (String, Int)) -> SocketDiagnosis.Entry {
        SocketDiagnosis.Entry(
            local: (address(local.0), port(local.1)),
            remote: (address(remote.0), port(remote.1))
        )
    }

    @Test("the spared connection is the host's own, not one of another host from the same port")
    func spared() {
        for own in ["127.0.0.1", "::1", "198.51.100.1"] {
            #expect(!Self.closed.contains(Self.entry((own, 2181), (own, 700))))
            #expect(Self.closed.contains(Self.entry((own, 2181), (own, 701))))
        }
        #expect(Self.closed.contains(Self.entry(("198.51.100.1", 2181), ("198.51.100.2", 700))))
        // A connection of this host to the same port elsewhere is not meant.
        #expect(!Self.closed.contains(Self.entry(("198.51.100.1", 40_000), ("198.51.100.2", 2181))))
    }

    @Test("a wall cuts what its peers and scope say, and never a protected port")
    func walled() {
        let peer = address("198.51.100.2")
        let ports = CutConnections.walled(
            Wall(peers: [peer], scope: .ports(numbers: [port(2888)])),
            protectedPorts: [port(22)]
        )
        let all = CutConnections.walled(Wall(peers: [peer], scope: .allTCP), protectedPorts: [port(22)])
        let own = "198.51.100.1"
        #expect(ports.contains(Self.entry((own, 2888), ("198.51.100.2", 50_000))))
        #expect(ports.contains(Self.entry((own, 50_000), ("198.51.100.2", 2888))))
        #expect(!ports.contains(Self.entry((own, 2181), ("198.51.100.2", 50_000))))
        #expect(!ports.contains(Self.entry((own, 2888), ("198.51.100.3", 50_000))))
        #expect(all.contains(Self.entry((own, 2181), ("198.51.100.2", 50_000))))
        #expect(!all.contains(Self.entry((own, 22), ("198.51.100.2", 50_000))))
    }

    @Test(
        "the port at the other end spares nothing where the wall stands, and either does at the wall's other end"
    )
    func protectedEnds() {
        let own = "198.51.100.1"
        let wall = Wall(peers: [address("198.51.100.2")], scope: .allTCP)
        let ports = Wall(peers: wall.peers, scope: .ports(numbers: [port(2181)]))
        let fromProtected = Self.entry((own, 2181), ("198.51.100.2", 22))
        #expect(CutConnections.walled(wall, protectedPorts: [port(22)]).contains(fromProtected))
        #expect(CutConnections.walled(ports, protectedPorts: [port(22)]).contains(fromProtected))
        #expect(!CutConnections.severed(wall, protectedPorts: [port(22)]).contains(fromProtected))
        #expect(CutConnections.severed(ports, protectedPorts: [port(22)]).contains(fromProtected))
        let other = Self.entry((own, 50_000), ("198.51.100.2", 5000))
        #expect(CutConnections.severed(wall, protectedPorts: [port(22)]).contains(other))
    }

    @Test("a dump that ended with an error is no answer, and a receipt says whether it was done")
    func endings() {
        for (type, code, expected) in [
            (3, 0, Netlink.Reception.complete), (3, -ENOENT, .refused), (2, 0, .complete),
            (2, -EOPNOTSUPP, .refused),
        ] {
            let datagram =
                Netlink.bytes(of: UInt32(20)) + Netlink.bytes(of: UInt16(type)) + Netlink.bytes(of: UInt16(2))
                + Netlink.bytes(of: UInt32(1)) + Netlink.bytes(of: UInt32(0)) + Netlink.bytes(of: Int32(code))
            var messages: [Netlink.Message] = []
            #expect(Netlink.take(datagram[...], answering: 1, into: &messages) == expected)
            #expect(messages.isEmpty)
            // What answers an earlier question on the same socket says nothing about this one.
            #expect(Netlink.take(datagram[...], answering: 2, into: &messages) == .more)
        }
    }

    @Test("the prepared question comes from a reserved port", .enabled(if: geteuid() == 0, "needs root"))
    func reserved() throws {
        for host in ["127.0.0.1", "::1"] {
            let listener = try FirewallSocket.listening(in: nil, at: address(host), port(39_181))
            let question = try PreparedQuestion.open(at: address(host), port(39_181)).get()
            #expect(question.localPort.number < 1024)
            withExtendedLifetime((listener, question)) {}
        }
    }
}
