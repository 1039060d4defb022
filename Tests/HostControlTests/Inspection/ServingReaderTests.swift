import ControlProtocol
import Glibc
import SystemCalls
import TestSupport
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
                        version: ServerVersion(3, 4, 14),
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
                        version: try #require(ServerVersion("3.5.4-beta")),
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
                        version: ServerVersion(3, 8, 0),
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

    /// A whole answer, with one of its values replaced.
    private static func answer(_ key: String, _ value: String) -> String {
        old.split(separator: "\n").map { $0.hasPrefix(key + ":") ? "\(key): \(value)" : String($0) }
            .joined(separator: "\n")
    }

    @Test(
        "a version, a mode, a number or garbage of whoever listens is read strictly, or told as text",
        arguments: HostileText.pieces.indices
    )
    func hostile(index: Int) {
        let piece = HostileText.pieces[index]
        let keys = ["Zookeeper version", "Mode", "Zxid", "Connections", "Outstanding", "Node count"]
        let values = [
            piece, "3.8.0\(piece)", "3.8.0\(piece)-1, built on", "leader\(piece)", "1\(piece)", "0x1\(piece)",
        ]
        let answers = keys.flatMap { key in values.map { Self.answer(key, $0) } }
        for text in answers + [piece, "220 \(piece) ready", "Mode: \(piece)\npassword: s3cret"] {
            switch ServingReader.parse(srvr: text) {
            case .yes(let stats):
                #expect(HostileText.offences(in: stats.version.description).isEmpty)
            case .looking: Issue.record("looking")
            case .unreachable(let reason):
                #expect(HostileText.offences(in: reason).isEmpty && !reason.contains("\n"), "\(reason)")
                #expect(!reason.contains("s3cret") && reason.count < 1000)
            }
        }
    }

    @Test("a server that answers over a socket with escape sequences is told as text")
    func hostileServer() async throws {
        let listener = try Listener()
        let answer = Array("\u{1B}]0;x\u{07}\u{1B}[2J\u{202E}\u{9B}2J\r\u{8}".utf8) + [0xFF, 0x9B, 0]
        let descriptor = listener.descriptor
        BlockingThread.start {
            let peer = accept(descriptor, nil, nil)
            var question = [UInt8](repeating: 0, count: 4)
            _ = recv(peer, &question, 4, 0)
            _ = send(peer, answer, answer.count, Int32(MSG_NOSIGNAL))
            close(peer)
        }
        let (address, port) = (listener.address, listener.port)
        let serving = await BlockingThread.run { ServingReader.ask(address, port) }
        guard case .unreachable(let reason) = serving else {
            Issue.record("\(serving)")
            return
        }
        #expect(
            reason == "the answer to 'srvr' is not ZooKeeper's: it said "
                + #"'\u{1B}]0;x\u{7}\u{1B}[2J\u{202E}\u{9B}2J\r\u{8}\u{FFFD}\u{FFFD}\u{0}'"#
        )
        withExtendedLifetime(listener) {}
    }

    @Test("synced followers and sessions are read where mntr is allowed and tells of them")
    func mntr() {
        let text = "zk_version\t3.8.0\nzk_global_sessions\t41\nzk_local_sessions\t0\n"
        #expect(ServingReader.sessions(mntr: text) == 41 && ServingReader.syncedFollowers(mntr: text) == nil)
        #expect(ServingReader.sessions(mntr: "zk_version\t3.4.14\nzk_synced_followers\t2\n") == nil)
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
        #expect(ServingReader.sessions(mntr: "zk_global_sessions\t\(text)\n") == nil)
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
