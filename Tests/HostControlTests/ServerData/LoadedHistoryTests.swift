import ControlProtocol
import FoundationEssentials
import Glibc
import Testing
import Topology

@testable import HostControl

@Suite("What a server would load from its data directory")
struct LoadedHistoryTests {
    let scratch: Scratch

    init() throws {
        scratch = try Scratch()
        try scratch.directory("version-2")
        try scratch.file("version-2/snapshot.0", DataBytes.snapshot())
    }

    private func read() -> DataDirectory {
        var reader = DataDirectoryReader()
        return reader.read(dataDir: scratch.path, logDir: scratch.path)
    }

    private func zxid(_ epoch: UInt32, _ counter: UInt32) -> UInt64 {
        Zxid(epoch: epoch, counter: counter).value
    }

    private func range(_ first: UInt64, _ last: UInt64) -> ZxidRange {
        ZxidRange(Zxid(first), through: Zxid(last))
    }

    @Test("the newest transaction counts, not the last one of the newest log")
    func outOfOrder() throws {
        try scratch.file("version-2/log.1", DataBytes.log([1, 2, 3]))
        try scratch.file("version-2/log.4", DataBytes.log([4, 5, 6, 7, 4, 5]))
        try scratch.file("version-2/log.2", DataBytes.log([2, 3]))
        let found = read()
        #expect(found.lastZxid == Zxid(7) && found.snapshot == Zxid(0))
        #expect(found.missing == [] && found.problems == [])
    }

    @Test("what two writers brought in the wrong order is not missing; the ends of its epochs are told")
    func interleaved() throws {
        let old = (1...9).map { zxid(4, $0) }
        let new = (1...5).map { zxid(5, $0) }
        let mixed = old.prefix(3) + [new[0]] + old[3..<6] + new[1...] + old[6...]
        try scratch.file("version-2/log.400000001", DataBytes.log(Array(mixed)))
        let found = read()
        #expect(found.missing == [] && found.lastZxid == Zxid(epoch: 5, counter: 5))
        #expect(found.epochEnds == [Zxid(epoch: 4, counter: 9), Zxid(epoch: 5, counter: 5)])
    }

    @Test("holes in an epoch after the snapshot are told, at its beginning too; an epoch's open end is none")
    func holes() throws {
        let logged: [UInt64] = [zxid(1, 1), zxid(1, 2), zxid(2, 1), zxid(3, 4), zxid(3, 5), zxid(3, 9)]
        try scratch.file("version-2/log.100000001", DataBytes.log(logged))
        #expect(read().missing == [range(zxid(3, 1), zxid(3, 3)), range(zxid(3, 6), zxid(3, 8))])
        try scratch.file("version-2/snapshot.300000004", DataBytes.snapshot())
        #expect(read().missing == [range(zxid(3, 6), zxid(3, 8))])
        try scratch.file("version-2/snapshot.300000008", DataBytes.snapshot())
        #expect(read().missing == [] && read().epochEnds == [Zxid(epoch: 3, counter: 9)])
    }

    @Test("a log that is gone between two others is a hole, whatever a server would say to it")
    func goneLog() throws {
        try scratch.file("version-2/log.1", DataBytes.log([1, 2]))
        try scratch.file("version-2/log.5", DataBytes.log([5]))
        #expect(read().missing == [range(3, 4)] && read().lastZxid == Zxid(5))
        let reply = try JSONDecoder().decode(DataDirectory.self, from: JSONEncoder().encode(read()))
        #expect(reply.missing == [range(3, 4)] && reply.epochEnds == [Zxid(5)] && reply.snapshot == Zxid(0))
    }

    @Test("an answer of an agent that knows nothing of holes is understood")
    func lenient() throws {
        let text = #"{"path":"/d","logPath":"/d","isEmpty":false,"lastZxid":"0x5","problems":[]}"#
        let found = try JSONDecoder().decode(DataDirectory.self, from: Data(text.utf8))
        #expect(found.missing == [] && found.epochEnds == [] && found.snapshot == nil)
        #expect(found.lastZxid == Zxid(5))
    }

    @Test("the end of a log that was written on is no end, however it came to look like one")
    func cutShort() throws {
        let records = [1, 2, 3].map { DataBytes.record($0) }
        let first = 16 + records[0].count
        func problem(_ change: (inout [UInt8]) -> Void) throws -> String? {
            var bytes = DataBytes.header + records.joined() + DataBytes.padding
            change(&bytes)
            let path = try scratch.file("version-2/log.1", bytes)
            let found = read()
            #expect(found.lastZxid == Zxid(1))
            return found.problems.first.map { String($0.dropFirst(path.count + 2)) }
        }
        let middle = "at byte \(first): "
        #expect(try problem { $0[first + 11] = 0 } == middle + "a length of zero, and more behind it")
        let mark = first + records[1].count - 1
        #expect(try problem { $0[mark] ^= 1 } == middle + "a record whose end mark is damaged")
        #expect(try problem { $0[mark] = 0 } == middle + "a record without its end mark, and more behind it")
        #expect(try problem { $0[first + 10] = 1 } == middle + "a finished record whose length is damaged")
        #expect(try problem { $0[first + 8] = 0x80 }?.hasPrefix(middle + "a record of -") == true)
        // The page of the disk that holds the second record never came to it.
        #expect(
            try problem { bytes in for index in first...mark { bytes[index] = 0 } }
                == middle + "a length of zero, and more behind it"
        )
    }

    @Test("damage in the last record is told from a record that was never finished")
    func lastRecord() throws {
        let first = 16 + DataBytes.record(1).count
        let whole = DataBytes.log([1, 2])
        for (offset, change) in [(10, UInt8(1)), (11, 0x40), (DataBytes.record(2).count - 1, 1)] {
            var bytes = whole
            bytes[first + offset] ^= change
            try scratch.file("version-2/log.1", bytes)
            #expect(read().lastZxid == Zxid(1) && read().problems.count == 1, "\(offset)")
        }
    }

    @Test("a server goes on after a log that ends early, and no further after damage")
    func goingOn() throws {
        var torn = DataBytes.log([1, 2, 3])
        torn[16 + 3 * DataBytes.record(1).count - 1] = 0
        try scratch.file("version-2/log.1", torn)
        try scratch.file("version-2/log.4", DataBytes.log([4]))
        #expect(read().lastZxid == Zxid(4) && read().missing == [range(3, 3)] && read().problems == [])
        torn[16 + 2 * DataBytes.record(1).count + 30] ^= 1
        torn[16 + 3 * DataBytes.record(1).count - 1] = 0x42
        try scratch.file("version-2/log.1", torn)
        #expect(read().lastZxid == Zxid(2) && read().problems.count == 1)
    }

    @Test("logs that lie before the snapshot are not looked at, the one that it lies in is")
    func beforeSnapshot() throws {
        var bad = DataBytes.log([1, 2])
        bad[30] ^= 1
        try scratch.file("version-2/log.1", bad)
        let covering = try scratch.file("version-2/log.3", DataBytes.log([3, 4, 5]))
        try scratch.file("version-2/snapshot.4", DataBytes.snapshot())
        #expect(read().problems == [] && read().lastZxid == Zxid(5))
        try scratch.file("version-2/log.3", bad)
        #expect(read().problems.first?.hasPrefix(covering) == true && read().lastZxid == Zxid(4))
    }

    @Test("a snapshot whose checksum is wrong is passed over for the one before")
    func damagedSnapshot() throws {
        try scratch.file("version-2/log.1", DataBytes.log([1, 2, 3]))
        try scratch.file("version-2/snapshot.1", DataBytes.snapshot(payload: 600_000))
        #expect(read().snapshot == Zxid(1))
        var bad = DataBytes.snapshot(payload: 600_000)
        bad[400_000] ^= 1
        try scratch.file("version-2/snapshot.2", bad)
        #expect(read().snapshot == Zxid(1) && read().lastZxid == Zxid(3) && read().problems == [])
    }

    @Test(
        "a copy that somebody left beside the originals is neither history nor nothing: versions differ, and it is told"
    )
    func copies() throws {
        let log = try scratch.file("version-2/log.1.bak", DataBytes.log([1, 2]))
        try scratch.file("version-2/log.3", DataBytes.log([3, 4]))
        let newer = try scratch.file("version-2/log.5.", DataBytes.log([5]))
        let old = try scratch.file("version-2/snapshot.9.old", DataBytes.snapshot())
        let copy = try scratch.file("version-2/snapshot.9.gz.1", DataBytes.snapshot())
        // What fills the hole for a 3.6 does not for a 3.4, which starts from the snapshot before it.
        #expect(read().snapshot == Zxid(0) && read().lastZxid == Zxid(5))
        #expect(read().missing == [ZxidRange(Zxid(1), through: Zxid(2))])
        #expect(read().problems.map { $0.prefix { $0 != ":" } } == [log[...], copy[...], old[...]])
        #expect(read().problems.allSatisfy { $0.hasSuffix("move it away") })
        for path in [newer, scratch("version-2/log.3"), scratch("version-2/snapshot.0")] {
            try #require(unlink(path) == 0)
        }
        #expect(read().lastZxid == nil && !read().isEmpty && read().problems.count == 3)
    }

    @Test("a snapshot that a server is writing, compressed or not, is nothing to move away")
    func inTheMaking() throws {
        try scratch.file("version-2/snapshot.7.tmp", Array(DataBytes.snapshot().prefix(30)))
        try scratch.file("version-2/snapshot.8.gz.tmp", Array(DataBytes.snapshot().prefix(30)))
        #expect(read().snapshot == Zxid(0) && read().problems == [])
    }

    @Test("a look notices a snapshot that was finished, and one that was spoilt, since the last")
    func rereading() throws {
        var reader = DataDirectoryReader()
        let look = { (reader: inout DataDirectoryReader) in
            reader.read(dataDir: scratch.path, logDir: scratch.path).snapshot
        }
        let whole = DataBytes.snapshot()
        let path = try scratch.file("version-2/snapshot.5", Array(whole.prefix(30)))
        #expect(look(&reader) == Zxid(0))
        usleep(20_000)
        try scratch.file("version-2/snapshot.5", whole)
        #expect(look(&reader) == Zxid(5))
        usleep(20_000)
        let file = try OpenFile(path, O_WRONLY)
        try file.write(Data([0x5A, 0x4B, 0x53, 0x4E, 9]))
        #expect(look(&reader) == Zxid(0))
    }

    @Test(
        "files in the other's directory, with which a server does not start, are told",
        arguments: [false, true]
    )
    func misplaced(log: Bool) throws {
        try scratch.directory("logs")
        try scratch.directory("logs/version-2")
        try scratch.file("logs/version-2/log.1", DataBytes.log([1]))
        let stray =
            log
            ? try scratch.file("version-2/log.1", DataBytes.log([1, 2]))
            : try scratch.file("logs/version-2/snapshot.9", DataBytes.snapshot())
        var reader = DataDirectoryReader()
        let found = reader.read(dataDir: scratch.path + "/", logDir: scratch("logs"))
        #expect(found.lastZxid == Zxid(1) && found.snapshot == Zxid(0))
        #expect(found.problems.count == 1 && found.problems.first?.contains(stray) == true)
        // One directory by two spellings is no other.
        #expect(reader.read(dataDir: scratch.path + "/", logDir: "/" + scratch.path).problems == [] || log)
    }

    @Test("logs without any snapshot hold everything, as a young 3.4 has them, or what they lack is told")
    func withoutSnapshot() throws {
        try #require(unlink(scratch("version-2/snapshot.0")) == 0)
        try scratch.file("version-2/log.1", DataBytes.header)
        #expect(read().snapshot == nil && read().lastZxid == nil && !read().isEmpty)
        try scratch.file("version-2/log.1", DataBytes.log([1, 2]))
        #expect(read().snapshot == nil && read().lastZxid == Zxid(2))
        #expect(read().missing == [] && read().problems == [])
        try #require(unlink(scratch("version-2/log.1")) == 0)
        try scratch.file("version-2/log.3", DataBytes.log([3, 4]))
        #expect(read().missing == [ZxidRange(Zxid(1), through: Zxid(2))])
    }
}
