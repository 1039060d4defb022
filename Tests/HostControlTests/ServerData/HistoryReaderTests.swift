import ControlProtocol
import FoundationEssentials
import Glibc
import Testing
import Topology

@testable import HostControl

@Suite("Whether a transaction is in a server's history")
struct HistoryReaderTests {
    let scratch: Scratch

    init() throws {
        scratch = try Scratch()
        for name in ["data", "data/version-2", "log", "log/version-2"] { try scratch.directory(name) }
    }

    private func presence(_ zxids: UInt64...) throws -> [Presence?] {
        let found = try HistoryReader.presence(
            of: zxids.map { Zxid($0) },
            dataDir: scratch("data"),
            logDir: scratch("log")
        )
        return zxids.map { found[Zxid($0)] }
    }

    @Test(
        "records are logged; what is older than all of them and in a snapshot is in the snapshot; the rest is absent"
    )
    func three() throws {
        #expect(try presence(0, 1) == [.absent, .absent])
        try scratch.file("log/version-2/log.20", DataBytes.log([0x20, 0x21, 0x22]))
        try scratch.file("log/version-2/log.23", DataBytes.log([0x23, 0x25]))
        #expect(try presence(0x1F, 0x20, 0x24, 0x25, 0x26) == [.absent, .logged, .absent, .logged, .absent])
        try scratch.file("data/version-2/snapshot.22", DataBytes.snapshot())
        let found = try presence(0, 0x1F, 0x20, 0x22, 0x24, 0x25, 0x26)
        #expect(found == [.snapshot, .snapshot, .logged, .logged, .absent, .logged, .absent])
    }

    @Test("a snapshot that is not complete says nothing, the one before it does")
    func incomplete() throws {
        try scratch.file("log/version-2/log.20", DataBytes.log([0x20]))
        try scratch.file("data/version-2/snapshot.1f", Array(DataBytes.snapshot().dropLast()))
        #expect(try presence(0x10, 0x20) == [.absent, .logged])
        try scratch.file("data/version-2/snapshot.8", DataBytes.snapshot())
        #expect(try presence(8, 9, 0x10) == [.snapshot, .absent, .absent])
    }

    @Test("without any log a snapshot is the history")
    func snapshotOnly() throws {
        try scratch.file("data/version-2/snapshot.8", DataBytes.snapshot())
        #expect(try presence(8, 9) == [.snapshot, .absent])
        try scratch.file("log/version-2/log.9", DataBytes.header)
        #expect(try presence(8, 9) == [.snapshot, .absent])
    }

    @Test("a record that was not finished, or is damaged, is none; one that was brought late is one")
    func records() throws {
        var bytes = DataBytes.header + DataBytes.record(1) + DataBytes.record(2).dropLast()
        try scratch.file("log/version-2/log.1", bytes)
        #expect(try presence(1, 2) == [.logged, .absent])
        bytes = DataBytes.header + DataBytes.record(1) + DataBytes.record(2)
        bytes[bytes.count - 3] ^= 1
        try scratch.file("log/version-2/log.1", bytes)
        #expect(try presence(1, 2) == [.logged, .absent])
        // A server wrote the end of an epoch after the next one had begun.
        try scratch.file("log/version-2/log.100000001", DataBytes.log([0x1_0000_0001, 3, 4]))
        #expect(try presence(1, 2, 3, 4) == [.logged, .absent, .logged, .logged])
    }

    @Test("files that cannot be read are an error, not an absence")
    func unreadable() throws {
        try scratch.file("log/version-2/log.5", DataBytes.log([5]))
        try #require(symlink("/dev/null", scratch("log/version-2/log.1")) == 0)
        #expect(throws: FileError.self) { try presence(1) }
        try #require(rmdir(scratch("data/version-2")) == 0)
        try scratch.file("data/version-2", [])
        #expect(try presence(5) == [.logged])
        #expect(throws: FileError.self) { try presence(6) }
    }

    @Test(
        "a running server's history holds what it acknowledged, also to an agent",
        .enabled(if: RealZooKeeper.isExpected, "ZooKeeper or Java is not installed")
    )
    func running() async throws {
        let port = try RealZooKeeper.freePort()
        let server = try RealZooKeeper(
            ["clientPort=\(port)", "clientPortAddress=127.0.0.1"],
            javaOptions: RealData.snapCount
        )
        defer { withExtendedLifetime(server) {} }
        let data = RealData(scratch: server.scratch)
        let serves = await eventually { await server.inspector().status().serving.stats != nil }
        try #require(serves)
        let writer = try RealData.startWriting(to: [port])
        defer { RealData.end(writer) }
        for _ in 0..<20 {
            let last = try await RealZooKeeper.write(3, to: port)
            let earlier = Zxid(last.value - 1)
            let later = Zxid(last.value + 1_000_000)
            let found = try await server.inspector().presence(of: [last, earlier, later])
            #expect(found == [last: .logged, earlier: .logged, later: .absent])
        }
        RealData.end(writer)
        server.end()
        let files = try data.files(.log)
        try #require(files.count > 4)
        for file in files.prefix(2) { try #require(unlink(file.path) == 0) }
        let kept = files[2].zxid
        let old = Zxid(kept.value - 1)
        #expect(
            try await server.inspector(config: true).presence(of: [kept, old]) == [
                kept: .logged, old: .snapshot,
            ]
        )
    }

    @Test("a server whose directories nobody knows has no history that could be told")
    func unknown() async throws {
        let inspector = ZooKeeperInspector(
            service: "zookeeper",
            configPath: scratch("zoo.cfg"),
            stateDirectory: scratch("state"),
            supervisor: KnownProcess(pid: 0)
        )
        let error = await #expect(throws: FileError.self) { try await inspector.presence(of: [Zxid(1)]) }
        #expect(error?.description.contains("directories are not known") == true)
    }
}

extension Serving {
    fileprivate var stats: ServerStats? {
        guard case .yes(let stats) = self else { return nil }
        return stats
    }
}
