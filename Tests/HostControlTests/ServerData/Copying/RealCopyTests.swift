import ControlProtocol
import FoundationEssentials
import Glibc
import SystemCalls
import Testing
import Topology

@testable import HostControl

@Suite(
    "A real server's data kept",
    .enabled(if: RealZooKeeper.isExpected, "ZooKeeper or Java is not installed"),
    .serialized
)
struct RealCopyTests {
    let data: RealData
    let run: RunID

    init() throws {
        data = RealData(scratch: try Scratch())
        try data.scratch.directory("data")
        try data.scratch.directory("log")
        run = try #require(RunID("r"))
    }

    private var copies: DataCopy { DataCopy(dataDir: data.dataDir, logDir: data.logDir) }

    /// Runs the server on its files, with writes or without, and kills it.
    private func serve(writing: Bool) async throws {
        let port = try RealZooKeeper.freePort()
        let server = try RealZooKeeper(
            ["clientPort=\(port)", "clientPortAddress=127.0.0.1"],
            javaOptions: RealData.snapCount,
            in: data.scratch
        )
        defer { withExtendedLifetime(server) {} }
        let loopback = try #require(IPAddress("127.0.0.1"))
        let serves = await eventually {
            if case .yes = ServingReader.ask(loopback, port) { return true }
            return false
        }
        try #require(serves)
        guard writing else { return }
        let start = try data.files(.log).count
        let writer = try RealData.startWriting(to: [port])
        let hasWritten = try await eventually { try data.files(.log).count > start + 4 }
        RealData.end(writer)
        // The newest log may have been begun only now, and a test cuts it in its middle.
        while hasWritten, try data.newestLog().bounds.count < 6 {
            _ = try await RealZooKeeper.write(1, to: port)
        }
        server.end()
        try #require(hasWritten)
    }

    /// What was kept, put where a server looks for it.
    private func restored() async throws -> RealData {
        let restored = RealData(scratch: try Scratch())
        for (kept, name) in [("data/mitosis-r/version-2", "data"), ("log/mitosis-r/version-2-logs", "log")] {
            try restored.scratch.directory(name)
            let target = restored.scratch(name + "/version-2")
            _ = try await RealZooKeeper.run(["/bin/cp", "-a", "--sparse=always", data.scratch(kept), target])
        }
        return restored
    }

    @Test("a copy is what it was whatever the server does to its files afterwards")
    func lasting() async throws {
        try await serve(writing: true)
        let last = try #require(data.read().lastZxid)
        let kept = try copies.keep(run: run)
        #expect(kept.linked > 4 && kept.copied >= 2)
        let logs = try data.files(.log)
        let (path, bounds) = try data.newestLog()
        // A leader cuts this history back to the middle of its newest log; then the server goes another way.
        try Spoil.cut(path, at: bounds[bounds.count / 2])
        let cut = try #require(data.read().lastZxid)
        #expect(cut < last)
        try await serve(writing: true)
        for file in logs.prefix(2) { try #require(unlink(file.path) == 0) }

        let copy = try await restored()
        #expect(copy.read().lastZxid == last && copy.read().problems == [] && copy.read().missing == [])
        #expect(try await copy.load() == .reaches(last))
        #expect(try copies.discard(run: run).files == kept.linked + kept.copied)
        #expect(try data.scratch.names(in: "data") == ["version-2"])
    }

    @Test(
        "the newest snapshot, which a server that starts without anything new writes again in place, is copied"
    )
    func rewritten() async throws {
        try await serve(writing: true)
        // Starting, it writes a snapshot of all it has.
        try await serve(writing: false)
        let last = try #require(data.read().lastZxid)
        let newest = try #require(try data.files(.snapshot).last)
        #expect(newest.zxid == last)
        _ = try copies.keep(run: run)
        let before = try FileIdentity(attributes(newest.path))
        let written = try attributes(newest.path).st_mtim.tv_nsec
        try await serve(writing: false)
        // The same file with new content: had the copy been a link, it would have been written as well.
        #expect(try FileIdentity(attributes(newest.path)) == before)
        #expect(try attributes(newest.path).st_mtim.tv_nsec != written)
        let kept = data.scratch("data/mitosis-r/version-2/" + newest.name)
        #expect(try FileIdentity(attributes(kept)) != before)
        #expect(try attributes(kept).st_mtim.tv_nsec == written)
        #expect(try await restored().load() == .reaches(last))
    }

    @Test("a server whose data is set aside starts empty, and again with it when it is put back")
    func settingAside() async throws {
        try await serve(writing: true)
        let last = try #require(data.read().lastZxid)
        #expect(try copies.setAside(run: run) == 1)
        #expect(try await data.load() == .reaches(Zxid(0)))
        #expect(try copies.setAside(run: run) == 2)
        for name in ["data", "log"] {
            let place = data.scratch("\(name)/mitosis-r/set-aside-1")
            try #require(rename(place, data.scratch("\(name)/version-2")) == 0)
        }
        #expect(try await data.load() == .reaches(last))
    }

    private func attributes(_ path: String) throws -> stat {
        var found = stat()
        try #require(lstat(path, &found) == 0)
        return found
    }
}
