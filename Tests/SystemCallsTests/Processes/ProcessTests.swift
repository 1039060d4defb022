import Glibc
import SystemCalls
import Testing

@Suite("Processes and their sockets, as the kernel tells them")
struct ProcessTests {
    @Test("this process is there, the same at every look, and one that never was is not")
    func identity() throws {
        let own = try #require(ProcessIdentity(pid: getpid()))
        #expect(ProcessIdentity(pid: getpid()) == own && own.startedAfterBoot > 0)
        #expect(ProcessIdentity(pid: .max) == nil && !ProcessIdentity.isAlive(.max))
    }

    @Test("the table's lines are read in both families, and a line cut short is left out")
    func table() {
        let text = """
              sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
               0: 0100007F:0B48 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1
               1: 0000000000000000FFFF0000016433C6:0B48 0000000000000000FFFF0000026433C6:A1B2 01 0 0
               2: 0100007F
            """
        let found = TCPTable.parse(text)
        #expect(found.map(\.state) == [.listening, .established])
        #expect(found.map(\.inode) == [4711, nil])
        #expect(found.map(\.local.port) == [2888, 2888])
        #expect(found.first?.local.address == [127, 0, 0, 1])
        #expect(found.last?.remote.address.suffix(4) == [198, 51, 100, 2])
    }

    @Test("a table that cannot be read is not an empty one; only that of IPv6 may be absent")
    func absent() throws {
        let folder = try Folder()
        #expect(TCPTable.read(in: folder.path) == nil)
        try DurableFile.replace(folder("tcp"), with: Array("head\n".utf8))
        #expect(TCPTable.read(in: folder.path) == [])
        try #require(mkdir(folder("tcp6"), 0o700) == 0)
        #expect(TCPTable.read(in: folder.path) == nil)
    }
}
