import ControlProtocol
import Glibc
import Testing
import Topology

@testable import HostControl

@Suite("What a server says about itself")
struct ServingReaderTests {
    private static let old = """
        Zookeeper version: 3.4.14-4c25d480e66aadd371de8bd2fd8da255ac140bcf, built on 03/06/2019 16:18 GMT
        Latency min/avg/max: 0/0/12
        Received: 105
        Sent: 104
        Connections: 3
        Outstanding: 1
        Zxid: 0x500000012
        Mode: follower
        Node count: 41

        """
    private static let beta = """
        Zookeeper version: 3.5.4-beta-7f51e5b68cf2f80176ff944a9ebd2abbc65e7327, built on 05/11/2018 16:27 GMT
        Latency min/avg/max: 0/0/0
        Received: 2
        Sent: 1
        Connections: 1
        Outstanding: 0
        Zxid: 0x0
        Mode: leader
        Node count: 4
        Proposal sizes last/min/max: -1/-1/-1

        """
    private static let new = """
        Zookeeper version: 3.8.0-${mvngit.commit.id}, built on 2023-05-04 14:38 UTC
        Latency min/avg/max: 0/0.0/0
        Received: 1
        Sent: 0
        Connections: 1
        Outstanding: 0
        Zxid: 0xffffffff00000001
        Mode: observer
        Node count: 5

        """

    @Test("srvr of 3.4, 3.5 and 3.8 is read")
    func versions() throws {
        #expect(
            ServingReader.parse(srvr: Self.old)
                == .yes(
                    stats: ServerStats(
                        version: "3.4.14",
                        role: .follower,
                        zxid: Zxid(epoch: 5, counter: 0x12),
                        connections: 3,
                        outstanding: 1,
                        nodeCount: 41,
                        syncedFollowers: nil
                    )
                )
        )
        #expect(
            ServingReader.parse(srvr: Self.beta)
                == .yes(
                    stats: ServerStats(
                        version: "3.5.4-beta",
                        role: .leader,
                        zxid: Zxid(0),
                        connections: 1,
                        outstanding: 0,
                        nodeCount: 4,
                        syncedFollowers: nil
                    )
                )
        )
        #expect(
            ServingReader.parse(srvr: Self.new)
                == .yes(
                    stats: ServerStats(
                        version: "3.8.0",
                        role: .observer,
                        zxid: Zxid(0xFFFF_FFFF_0000_0001),
                        connections: 1,
                        outstanding: 0,
                        nodeCount: 5,
                        syncedFollowers: nil
                    )
                )
        )
    }

    @Test("a server without a leader is looking")
    func looking() {
        let text = "This ZooKeeper instance is not currently serving requests\n"
        #expect(ServingReader.parse(srvr: text) == .looking)
    }

    @Test(
        "an answer of something else is never taken for a server's",
        arguments: [
            "", "HTTP/1.1 400 Bad Request\r\n", "Mode: leader\n",
            "srvr is not executed because it is not in the whitelist.\n",
        ]
    )
    func foreign(text: String) {
        guard case .unreachable(let reason) = ServingReader.parse(srvr: text) else {
            Issue.record("taken for a server")
            return
        }
        #expect(reason.hasPrefix("the answer to 'srvr' is not ZooKeeper's"))
    }

    @Test("synced followers are read where mntr is allowed")
    func mntr() {
        #expect(ServingReader.syncedFollowers(mntr: "zk_version\t3.8.0\nzk_synced_followers\t2\n") == 2)
        #expect(ServingReader.syncedFollowers(mntr: "zk_synced_followers\t2.0\n") == 2)
        #expect(
            ServingReader.syncedFollowers(mntr: "mntr is not executed because it is not in the whitelist.\n")
                == nil
        )
    }

    @Test(
        "a count that no integer can hold is no count, and ends nothing",
        arguments: ["nan", "inf", "-inf", "1e300", "9223372036854775808", "2.5", "0x1p70"]
    )
    func countOutOfRange(text: String) {
        #expect(ServingReader.syncedFollowers(mntr: "zk_synced_followers\t\(text)\n") == nil)
    }

    @Test("a server that accepts and says nothing costs one deadline")
    func silent() throws {
        let listener = try Listener()
        let begin = ContinuousClock.now
        let answer = FourLetterWord.ask(
            "srvr",
            at: listener.address,
            listener.port,
            within: .milliseconds(300)
        )
        #expect(
            answer == .unreachable(reason: "127.0.0.1:\(listener.port) did not answer 'srvr' within 0.3 s")
        )
        #expect(begin.duration(to: .now) < .seconds(5))
    }
}

/// A listening socket of the test's own.
final class Listener {
    let address: IPAddress
    let port: Port
    let descriptor: Int32

    init() throws {
        address = try #require(IPAddress("127.0.0.1"))
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        self.descriptor = descriptor
        try #require(descriptor >= 0 && listen(descriptor, 200) == 0)
        var name = sockaddr_in()
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let found = withUnsafeMutablePointer(to: &name) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &size) }
        }
        try #require(found == 0)
        port = try #require(Port(Int(UInt16(bigEndian: name.sin_port))))
    }

    deinit { close(descriptor) }
}
