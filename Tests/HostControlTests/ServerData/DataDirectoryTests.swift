import ControlProtocol
import FoundationEssentials
import Glibc
import Testing
import Topology

@testable import HostControl

@Suite("A data directory without its server")
struct DataDirectoryTests {
    let scratch: Scratch

    init() throws {
        scratch = try Scratch()
        try scratch.directory("version-2")
    }

    private var header: [UInt8] { DataBytes.header }
    private var padding: [UInt8] { DataBytes.padding }

    private func record(_ zxid: UInt64, payload: Int = 20) -> [UInt8] {
        DataBytes.record(zxid, payload: payload)
    }

    private func snapshot(end: [UInt8] = [0, 0, 0, 1, 0x2F]) -> [UInt8] { DataBytes.snapshot(end: end) }

    /// What a server writes before its first log, and does not start without.
    private func firstSnapshot() throws { try scratch.file("version-2/snapshot.0", snapshot()) }

    private func read() -> DataDirectory {
        var reader = DataDirectoryReader()
        return reader.read(dataDir: scratch.path, logDir: scratch.path)
    }

    @Test("the checksum is that of RFC 1950")
    func adler() {
        #expect(Adler32.sum(Array("Wikipedia".utf8)[...]) == 0x11E6_0398)
        #expect(Adler32.sum([UInt8](repeating: 0xFF, count: 100_000)[...]) == 0x149A_302C)
    }

    @Test("an absent directory and one without a snapshot or log are empty")
    func empty() throws {
        #expect(read().isEmpty && read().lastZxid == nil && read().problems == [])
        var reader = DataDirectoryReader()
        let absent = reader.read(dataDir: scratch("absent"), logDir: scratch("absent"))
        #expect(absent.isEmpty && absent.myid == nil && absent.problems == [])
        try scratch.file("version-2/acceptedEpoch", Array("7".utf8))
        try scratch.file("myid", Array("4\n".utf8))
        let epochs = read()
        #expect(epochs.isEmpty && epochs.acceptedEpoch == 7 && epochs.currentEpoch == nil && epochs.myid == 4)
    }

    @Test(
        "a number with a blank beside it is none, as for ZooKeeper",
        arguments: [("4 \n", false), (" 4", false), ("4\t", false), ("4\r\n", true), ("+4\nx", true)]
    )
    func padded(_ text: String, _ isNumber: Bool) throws {
        let path = try scratch.file("myid", Array(text.utf8))
        let found = read()
        #expect(found.myid == (isNumber ? 4 : nil))
        #expect(
            found.problems
                == (isNumber ? [] : ["\(path) holds blanks beside its number, which ZooKeeper refuses"])
        )
    }

    @Test("zeros written ahead end the log")
    func preallocated() throws {
        try firstSnapshot()
        try scratch.file(
            "version-2/log.100000001",
            header + record(0x1_0000_0001) + record(0x1_0000_0002) + padding
        )
        #expect(read().lastZxid == Zxid(0x1_0000_0002))
        #expect(read().problems == [] && !read().isEmpty)
    }

    @Test("a torn record at the end does not count, wherever it was torn")
    func torn() throws {
        try firstSnapshot()
        let whole = header + record(1) + record(2)
        let torn = record(3)
        for cut in 1..<torn.count {
            try scratch.file("version-2/log.1", whole + torn.prefix(cut))
            #expect(read().lastZxid == Zxid(2) && read().problems == [], "\(cut)")
            try scratch.file("version-2/log.1", whole + torn.prefix(cut) + padding)
            #expect(read().lastZxid == Zxid(2) && read().problems == [], "\(cut), padded")
        }
    }

    @Test("a finished record with a wrong checksum is damage, and is said")
    func damaged() throws {
        try firstSnapshot()
        var bad = record(2)
        bad[30] ^= 1
        let path = try scratch.file("version-2/log.1", header + record(1) + bad + record(3))
        let found = read()
        #expect(found.lastZxid == Zxid(1))
        #expect(
            found.problems == [
                "\(path): at byte \(16 + record(1).count): a finished record with a wrong checksum"
            ]
        )
    }

    @Test("records larger than a read, and ones across its border, are found")
    func large() throws {
        try firstSnapshot()
        let records = (1...40).reduce(into: [UInt8]()) { bytes, zxid in
            bytes += record(UInt64(zxid), payload: zxid == 20 ? 900_000 : 20_011)
        }
        try scratch.file("version-2/log.1", header + records + padding)
        #expect(read().lastZxid == Zxid(40) && read().problems == [])
    }

    @Test("a newest log without a transaction leaves the word to the one before")
    func emptyNewest() throws {
        try firstSnapshot()
        try scratch.file("version-2/log.9", header + record(9) + record(0xB) + padding)
        try scratch.file("version-2/log.10", header + padding)
        try scratch.file("version-2/log.11", header)
        #expect(read().lastZxid == Zxid(0xB) && read().problems == [])
    }

    @Test(
        "a newest log without a complete header is one that ZooKeeper does not start with",
        arguments: [0, 8, 15]
    )
    func headless(size: Int) throws {
        try firstSnapshot()
        try scratch.file("version-2/log.9", header + record(9) + record(0xA) + padding)
        let short = try scratch.file("version-2/log.b", Array(header.prefix(size)))
        let found = read()
        #expect(found.lastZxid == Zxid(0xA))
        #expect(
            found.problems == [
                "\(short): its header is not complete, and ZooKeeper does not start with such a file"
            ]
        )
        try scratch.file("version-2/log.b", padding)
        #expect(read().problems == ["\(short): it does not begin like a transaction log"])
    }

    @Test("the newest complete snapshot counts; that none is complete is said")
    func snapshots() throws {
        try scratch.file("version-2/log.1", header + record(1))
        let torn = try scratch.file("version-2/snapshot.30", snapshot(end: [0, 0, 0, 0, 0x2F]))
        let foreign = Array("not a snapshot at all, but ".utf8) + [0, 0, 0, 1, 0x2F]
        let other = try scratch.file("version-2/snapshot.31", foreign)
        #expect(read().lastZxid == Zxid(1))
        #expect(read().problems == ["no snapshot is complete: \(other), \(torn)"])
        try scratch.file("version-2/snapshot.20", snapshot())
        #expect(read().lastZxid == Zxid(0x20) && read().problems == [])
        try scratch.file("version-2/snapshot.40.gz", DataBytes.gzip(snapshot()))
        #expect(read().lastZxid == Zxid(0x40))
    }

    @Test("a directory that cannot be listed never passes for empty")
    func unlistable() throws {
        try #require(rmdir(scratch("version-2")) == 0)
        try scratch.file("version-2", [])
        #expect(!read().isEmpty)
        #expect(read().problems.first == "cannot list \(scratch("version-2")): Not a directory")
    }

    @Test("what is not a log or not a number is said")
    func foreign() throws {
        let log = try scratch.file("version-2/log.5", Array("something that is not a log".utf8))
        let myid = try scratch.file("myid", Array("four".utf8))
        let found = read()
        #expect(found.lastZxid == nil && found.myid == nil && !found.isEmpty)
        #expect(
            found.problems == [
                "\(log): it does not begin like a transaction log", "\(myid) holds no number",
            ]
        )
    }

    @Test("a second look goes on where the first ended, and notices a log that was cut and went another way")
    func incremental() throws {
        try firstSnapshot()
        var reader = DataDirectoryReader()
        let look = { (reader: inout DataDirectoryReader) in
            reader.read(dataDir: scratch.path, logDir: scratch.path).lastZxid
        }
        let path = try scratch.file("version-2/log.1", header + record(1) + record(2) + padding)
        #expect(look(&reader) == Zxid(2))
        try overwrite(path, header + record(1) + record(2) + record(3) + padding)
        #expect(look(&reader) == Zxid(3))
        try overwrite(path, header + record(1) + padding)
        #expect(look(&reader) == Zxid(1))
        try overwrite(path, header + record(1) + record(5, payload: 33) + record(6) + padding)
        #expect(look(&reader) == Zxid(6))
    }

    /// In place: the inode stays, as when a server cuts its log.
    private func overwrite(_ path: String, _ bytes: [UInt8]) throws {
        let file = try OpenFile(path, O_WRONLY)
        try file.write(Data(bytes))
    }
}
