import ControlProtocol
import FoundationEssentials
import Glibc
import Testing
import Topology

@testable import HostControl

@Suite("Compressed snapshots")
struct CompressedSnapshotTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private func unpack(_ content: some Unpacking, _ sink: (ArraySlice<UInt8>) -> Void) -> UnpackingStep {
        while true {
            let step = content.next(sink)
            if step != .more { return step }
        }
    }

    private func gunzip(_ path: String) throws -> (content: [UInt8], isRead: Bool) {
        let file = try OpenFile(regular: path)
        var content: [UInt8] = []
        let step = unpack(Inflate(SequentialBytes(file))) { content += $0 }
        withExtendedLifetime(file) {}
        return (content, step == .end)
    }

    @Test("what zlib compressed, in every way that it knows, is decompressed to the same")
    func zlib() async throws {
        let made = try await RealZooKeeper.run([
            "/usr/bin/python3", "-c",
            """
            import os, random, sys, zlib
            random.seed(7)
            words = [os.urandom(random.randint(1, 30)) for _ in range(300)]
            contents = [b"", b"a", b"a" * 100000, os.urandom(70000),
                        b"".join(random.choice(words) for _ in range(60000)),
                        bytes(random.choice(b"abcd    /") for _ in range(400000))]
            count = 0
            for content in contents:
                for level in (0, 1, 6, 9):
                    for strategy in (zlib.Z_DEFAULT_STRATEGY, zlib.Z_FIXED, zlib.Z_HUFFMAN_ONLY, zlib.Z_RLE):
                        c = zlib.compressobj(level, zlib.DEFLATED, 31, 8, strategy)
                        half = len(content) // 2
                        data = c.compress(content[:half]) + c.flush(zlib.Z_FULL_FLUSH) + c.compress(content[half:])
                        open(f"{sys.argv[1]}/{count}.gz", "wb").write(data + c.flush())
                        open(f"{sys.argv[1]}/{count}", "wb").write(content)
                        count += 1
            print(count)
            """,
            scratch.path,
        ])
        let count = try #require(Int(made))
        #expect(count == 96)
        for number in 0..<count {
            let found = try gunzip(scratch("\(number).gz"))
            let original = try content(of: scratch("\(number)"))
            #expect(found.isRead && found.content == original, "\(number)")
        }
    }

    @Test("a file that ends early gives what it has; nonsense is nonsense, and no crash")
    func broken() throws {
        let whole = DataBytes.gzip(Array(0...255))
        for count in 0..<whole.count {
            let path = try scratch.file("cut.gz", Array(whole.prefix(count)))
            let found = try gunzip(path)
            #expect(found.isRead && Array(0...255).starts(with: found.content), "\(count)")
        }
        var random = SystemRandomNumberGenerator()
        for _ in 0..<300 {
            let noise = (0..<500).map { _ in UInt8.random(in: 0...255, using: &random) }
            _ = try gunzip(try scratch.file("noise.gz", [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3] + noise))
            let path = try scratch.file("noise.snappy", [0x82] + Array("SNAPPY".utf8) + [0] + noise)
            let file = try OpenFile(regular: path)
            let isComplete = try SnapshotFile.isComplete(file, .snappy)
            #expect(!isComplete)
            // A block of the right size, of noise.
            let block = [UInt8](repeating: 0, count: 16) + DataBytes.big(400, 4) + noise
            let blocks = try OpenFile(regular: try scratch.file("block.snappy", block))
            _ = unpack(SnappyBlocks(SequentialBytes(blocks))) { _ in }
            withExtendedLifetime(blocks) {}
        }
    }

    @Test(
        "a server that compresses its snapshots is read as it reads itself, also when the newest was torn",
        .enabled(if: RealZooKeeper.isExpected, "ZooKeeper or Java is not installed"),
        arguments: ["gz", "snappy"]
    )
    func real(method: String) async throws {
        let port = try RealZooKeeper.freePort()
        let option = "-Dzookeeper.snapshot.compression.method=\(method)"
        let server = try RealZooKeeper(
            ["clientPort=\(port)", "clientPortAddress=127.0.0.1"],
            javaOptions: RealData.snapCount + [option]
        )
        defer { withExtendedLifetime(server) {} }
        let data = RealData(scratch: server.scratch)
        let writer = try RealData.startWriting(to: [port])
        let hasWritten = try await eventually { try data.files(.snapshot).count > 6 }
        RealData.end(writer)
        server.end()
        try #require(hasWritten)
        // Snapshots alone: what the server reaches is the one that it takes.
        for file in try data.files(.log) { try #require(unlink(file.path) == 0) }
        var complete = try data.files(.snapshot)
        while let file = complete.last, data.read().snapshot != file.zxid { complete.removeLast() }
        let (newest, before) = (try #require(complete.last), try #require(complete.dropLast().last))
        #expect(newest.name.hasSuffix("." + method) && complete.count > 4)
        let size = try content(of: newest.path).count
        for cut in [0, 1, 9, 14, 20, 30, size / 2, size - 12] {
            let copy = try await data.copy()
            try Spoil.cut(copy.scratch("data/version-2/" + newest.name), at: size - cut)
            let found = copy.read()
            #expect(try await copy.load() == .reaches(#require(found.lastZxid)), "\(cut) bytes cut")
            if cut == 0 { #expect(found.snapshot == newest.zxid) }
            if cut >= size / 2 { #expect(found.snapshot == before.zxid) }
        }
        // Several bytes: one alone may be of a copy that finds the same content at another distance.
        let copy = try await data.copy()
        for offset in 0..<24 {
            try Spoil.flip(copy.scratch("data/version-2/" + newest.name), at: size / 2 + offset, 0xFF)
        }
        #expect(copy.read().snapshot == before.zxid)
    }
}
