import ControlProtocol
import Glibc
import SystemCalls
import Testing
import Topology

@testable import HostControl

@Suite("The kernel's table of connections")
struct PeerSocketTableTests {
    private static let head =
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"

    private func ports(_ numbers: Int...) -> Set<Port> { Set(numbers.compactMap { Port($0) }) }

    @Test(
        "established connections on the ports are given, others and those of an address with itself are not"
    )
    func ipv4() throws {
        let table =
            Self.head + """
                   0: 016433C6:0B48 026433C6:A1B2 01 00000000:00000000 00:00000000 00000000     0        0 1 1
                   1: 016433C6:C350 036433C6:0F38 01 00000000:00000000 00:00000000 00000000     0        0 1 1
                   2: 016433C6:C351 036433C6:0F38 06 00000000:00000000 00:00000000 00000000     0        0 1 1
                   3: 00000000:0B48 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1
                   4: 016433C6:0016 036433C6:D000 01 00000000:00000000 00:00000000 00000000     0        0 1 1
                   5: 016433C6:0B48 016433C6:D000 01 00000000:00000000 00:00000000 00000000     0        0 1 1

                """
        let found = PeerSocketTable.established(TCPTable.parse(table), ports: ports(2888, 3896))
        let texts = found.map { "\($0.localPort) \($0.remoteAddress) \($0.remotePort)" }
        #expect(texts == ["2888 198.51.100.2 41394", "50000 198.51.100.3 3896"])
    }

    @Test("a table that cannot be read is not an empty one; only that of IPv6 may be absent")
    func unreadable() throws {
        let scratch = try Scratch()
        #expect(PeerSocketTable.read(ports: ports(2888), in: scratch.path) == nil)
        try scratch.file("tcp", Array(Self.head.utf8))
        #expect(PeerSocketTable.read(ports: ports(2888), in: scratch.path) == [])
        try scratch.directory("tcp6")
        #expect(PeerSocketTable.read(ports: ports(2888), in: scratch.path) == nil)
    }

    @Test("while a process runs whose ports nobody knows, its connections are not known either")
    func portsUnknown() async throws {
        let scratch = try Scratch()
        let path = try scratch.file("zoo.cfg", Array("dataDir=\(scratch.path)\nserver.1=nonsense\n".utf8))
        let pid = try RealZooKeeper.spawn(["/bin/sleep", "60"], log: "/dev/null")
        let inspector = ZooKeeperInspector(
            service: "zookeeper",
            configPath: path,
            stateDirectory: scratch("state"),
            supervisor: KnownProcess(pid: pid)
        )
        #expect(await inspector.status().peerSockets == nil)
        kill(pid, SIGKILL)
        waitpid(pid, nil, 0)
        #expect(await inspector.status().peerSockets == [])
    }

    @Test("IPv6 is read, and IPv4 in its clothes is IPv4")
    func ipv6() throws {
        let table =
            Self.head + """
                   0: 0000000000000000FFFF0000016433C6:0B48 0000000000000000FFFF0000026433C6:A1B2 01 0 0
                   1: B80D0120000000000000000001000000:0B48 B80D0120000000000000000002000000:A1B2 01 0 0

                """
        let found = PeerSocketTable.established(TCPTable.parse(table), ports: ports(2888))
        #expect(found.map(\.remoteAddress.description) == ["198.51.100.2", "2001:db8::2"])
    }
}
