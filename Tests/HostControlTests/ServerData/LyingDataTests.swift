import ControlProtocol
import FoundationEssentials
import Glibc
import Testing
import Topology

@testable import HostControl

@Suite("Data that lies about its size", .timeLimit(.minutes(10)))
struct LyingDataTests {
    let scratch: Scratch

    init() throws {
        scratch = try Scratch()
        try scratch.directory("version-2")
    }

    private func read(_ reader: inout DataDirectoryReader) -> DataDirectory {
        reader.read(dataDir: scratch.path, logDir: scratch.path)
    }

    /// Bytes that gzip packs a thousandfold.
    private func bomb(_ name: String, mebibytes: Int) async throws -> String {
        let path = scratch("version-2/" + name)
        _ = try await RealZooKeeper.run([
            "/usr/bin/python3", "-c",
            """
            import sys, zlib
            c = zlib.compressobj(6, zlib.DEFLATED, -15)
            with open(sys.argv[1], "wb") as f:
                f.write(bytes([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0]) + c.compress(b"ZKSN" + bytes(12)))
                # What follows a full flush depends on nothing before it.
                f.write(c.flush(zlib.Z_FULL_FLUSH))
                f.write((c.compress(bytes(1 << 20)) + c.flush(zlib.Z_FULL_FLUSH)) * int(sys.argv[2]))
                f.write(c.flush() + bytes(8))
            """,
            path, String(mebibytes),
        ])
        return path
    }

    @Test("a snapshot that unpacks to gigabytes is named for what it is, and no look waits for it")
    func bomb() async throws {
        try scratch.file("version-2/snapshot.10", DataBytes.snapshot())
        let path = try await bomb("snapshot.20.gz", mebibytes: 8192)
        #expect(try content(of: path).count < 16 << 20)
        var reader = DataDirectoryReader()
        let longest = Duration.seconds(5)
        var found = read(&reader)
        for _ in 0..<60 where found.problems.contains(where: { $0.contains("there was no time for more") }) {
            // What is not known is not told.
            #expect(found.snapshot == nil && found.lastZxid == nil && !found.isEmpty)
            let begin = ContinuousClock.now
            found = read(&reader)
            #expect(ContinuousClock.now - begin < longest)
        }
        #expect(found.snapshot == Zxid(0x10))
        let problem = try #require(found.problems.first)
        #expect(
            problem.hasPrefix("\(path) is not what it seems: it unpacks to more than ")
        )
        let begin = ContinuousClock.now
        #expect(read(&reader).problems == found.problems)
        #expect(ContinuousClock.now - begin < .seconds(1))
    }

    @Test("a snapshot of blocks that unpack twentyfold, and one that is a hole, are told likewise")
    func otherForms() throws {
        // One literal byte, then copies of it, 64 bytes in three.
        let copies = (0..<10_000).flatMap { _ in [0xFE, 1, 0] as [UInt8] }
        let block = [0x81, 0x88, 0x27, 0, 7] as [UInt8] + copies
        let blocks = (0..<64).flatMap { _ in DataBytes.big(UInt64(block.count), 4) + block }
        let snappy = try scratch.file(
            "version-2/snapshot.30.snappy",
            [0x82] + Array("SNAPPY".utf8) + [0] + DataBytes.big(1, 4) + DataBytes.big(1, 4) + blocks
        )
        var reader = DataDirectoryReader(
            limit: ContentLimit(floor: 1 << 20, ratio: 10),
            patience: .seconds(60)
        )
        #expect(
            read(&reader).problems.first?.hasPrefix("\(snappy) is not what it seems: it unpacks to") == true
        )
        try #require(unlink(snappy) == 0)
        let hole = try scratch.file("version-2/snapshot.31", Array("ZKSN".utf8))
        let file = open(hole, O_WRONLY)
        defer { close(file) }
        let mark: [UInt8] = [0, 0, 0, 1, 0x2F]
        try #require(pwrite(file, mark, 5, 8 << 30) == 5)
        var other = DataDirectoryReader()
        let begin = ContinuousClock.now
        let problem = try #require(read(&other).problems.first)
        #expect(problem.hasPrefix("\(hole) is not what it seems: it is more than 1024 MiB, and takes "))
        #expect(ContinuousClock.now - begin < .seconds(1))
    }

    @Test("a real snapshot of 200,000 nodes with equal contents is read, and is far from any limit")
    func large() async throws {
        let path = scratch("version-2/snapshot.40.gz")
        let size = try await RealZooKeeper.run([
            "/usr/bin/python3", "-c",
            """
            import gzip, struct, sys, zlib
            out = [b"ZKSN" + struct.pack(">iq", 2, 1) + struct.pack(">i", 0) + struct.pack(">i", 0)]
            for i in range(200000):
                path = b"/load/node-%010d" % i
                stat = struct.pack(">qqqqiiiqiii", i + 9, i + 9, 1700000000000 + i, 1700000000000 + i, 0, 0, 0, 0, 0, 0, 0)
                out.append(struct.pack(">i", len(path)) + path + struct.pack(">i", 600) + b"x" * 600 + bytes(8) + stat)
            body = b"".join(out)
            body += struct.pack(">q", zlib.adler32(body)) + struct.pack(">i", 1) + b"/"
            with gzip.GzipFile(sys.argv[1], "wb", 6, mtime=0) as f: f.write(body)
            data = bytearray(open(sys.argv[1], "rb").read())
            if data[3] & 8:
                data = data[:3] + bytes([0]) + data[4:10] + data[data.index(0, 10) + 1:]
                open(sys.argv[1], "wb").write(data)
            print(len(body))
            """,
            path,
        ])
        let unpacked = try #require(Int64(size))
        #expect(unpacked > 127_000_000)
        let onDisk = Int64(try content(of: path).count)
        #expect(ContentLimit(floor: 0).largest(onDisk: onDisk) > 2 * unpacked)
        var reader = DataDirectoryReader()
        var found = read(&reader)
        for _ in 0..<60 where found.snapshot == nil { found = read(&reader) }
        #expect(found.snapshot == Zxid(0x40) && found.problems == [])
    }

    @Test("what one look has no time for is read by the next, from where it stopped")
    func overSeveralLooks() throws {
        try scratch.file("version-2/snapshot.0", DataBytes.snapshot(payload: 3 << 20))
        let records = (1...3000).flatMap { DataBytes.record(UInt64($0), payload: 1000) }
        let path = try scratch.file("version-2/log.1", DataBytes.header + records + DataBytes.padding)
        var reader = DataDirectoryReader(patience: .zero)
        var texts: Set<String> = []
        var found = read(&reader)
        for _ in 0..<100 where found.lastZxid == nil {
            try #require(found.problems.count == 1)
            texts.insert(found.problems[0])
            found = read(&reader)
        }
        #expect(found.lastZxid == Zxid(3000) && found.problems == [])
        #expect(texts.contains { $0.contains("MiB of what it holds were read") })
        #expect(
            texts.contains { $0.hasPrefix("\(path): read up to byte ") && $0.contains("no time for more") }
        )
    }

    @Test(
        "lengths of records that no server writes are told with their place",
        arguments: [0x8000_0000, 0xFFFF_FFFF, 0x7FFF_FFFF, (64 << 20) + 1] as [UInt64]
    )
    func lengths(length: UInt64) throws {
        try scratch.file("version-2/snapshot.0", DataBytes.snapshot())
        let lie = DataBytes.big(1, 8) + DataBytes.big(length, 4)
        let log = DataBytes.header + DataBytes.record(1) + lie
        let path = try scratch.file("version-2/log.1", log)
        try #require(truncate(path, 8 << 30) == 0)
        var reader = DataDirectoryReader()
        let found = read(&reader)
        let place = 16 + DataBytes.record(1).count
        let number = Int32(truncatingIfNeeded: Int64(length))
        #expect(found.lastZxid == Zxid(1))
        #expect(found.problems == ["\(path): at byte \(place): a record of \(number) bytes"])
    }

    @Test("a log of 8 GiB that is a hole but for its first records is one with zeros at its end")
    func sparseLog() throws {
        try scratch.file("version-2/snapshot.0", DataBytes.snapshot())
        let path = try scratch.file("version-2/log.1", DataBytes.log([1, 2]))
        try #require(truncate(path, 8 << 30) == 0)
        var reader = DataDirectoryReader()
        let found = read(&reader)
        #expect(found.lastZxid == Zxid(2) && found.problems == [])
    }

    @Test("a log whose numbers never follow one another does not fill the memory")
    func gaps() throws {
        try scratch.file("version-2/snapshot.0", DataBytes.snapshot())
        let records = (1...66_000).flatMap { DataBytes.record(UInt64($0) * 2, payload: 0) }
        let path = try scratch.file("version-2/log.1", DataBytes.header + records)
        let outcome = try TransactionLog.scan(path)
        #expect(outcome.runs.count == 65_537)
        #expect(outcome.problem?.contains("gaps in its numbers; it is not what it seems") == true)
    }

    @Test("blocks that say that they are huge, and are not, are malformed and take no memory")
    func absurdBlocks() throws {
        let magic = [0x82] + Array("SNAPPY".utf8) + [0] + [UInt8](repeating: 0, count: 8)
        for size in [0, 1, 0x7FFF_FFFF, 0xFFFF_FFFF, (16 << 20) + 1] as [UInt64] {
            let path = try scratch.file(
                "lie.snappy",
                magic + DataBytes.big(size, 4) + [0xFF, 0xFF, 0xFF, 0xFF, 0x0F]
            )
            #expect(try !SnapshotFile.isComplete(OpenFile(regular: path), .snappy), "\(size)")
        }
        // A block of five bytes that promises 16 MiB.
        let promise = magic + DataBytes.big(5, 4) + [0x80, 0x80, 0x80, 0x08, 0]
        let path = try scratch.file("promise.snappy", promise)
        #expect(try !SnapshotFile.isComplete(OpenFile(regular: path), .snappy))
    }
}
