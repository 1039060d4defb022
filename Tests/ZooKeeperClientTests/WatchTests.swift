import FoundationEssentials
import Testing
import Topology

@testable import ZooKeeperClient

@Suite(
    "watches against a real server",
    .serialized,
    .enabled(if: LoopbackServer.isInstalled, "ZooKeeper or Java is not installed"),
    .timeLimit(.minutes(10))
)
struct WatchTests {
    @Test("each watch fires once, with the kind of the first change")
    func kinds() async throws {
        let server = try LoopbackServer()
        defer { withExtendedLifetime(server) {} }
        let zk = try await session(server)
        let other = try await session(server)

        let (absent, creation) = try await zk.existsWatching("/a")
        #expect(absent == nil)
        _ = try await other.create("/a", data: bytes("1"))
        #expect(try await creation.event() == WatchEvent(kind: .created, path: "/a"))

        let (node, change) = try await zk.getWatching("/a")
        #expect(node.data == bytes("1"))
        let (_, existing) = try await zk.existsWatching("/a")
        let (_, childList) = try await zk.childrenWatching("/a")
        try await other.set("/a", data: bytes("2"))
        #expect(try await change.event() == WatchEvent(kind: .dataChanged, path: "/a"))
        #expect(try await existing.event() == WatchEvent(kind: .dataChanged, path: "/a"))

        _ = try await other.create("/a/b")
        #expect(try await childList.event() == WatchEvent(kind: .childrenChanged, path: "/a"))
        try await other.delete("/a/b")

        let (_, deletion) = try await zk.getWatching("/a")
        let (_, listDeletion) = try await zk.childrenWatching("/a")
        try await other.delete("/a")
        #expect(try await deletion.event().kind == .deleted)
        #expect(try await listDeletion.event().kind == .deleted)
        // One-shot: the same answer again, not a later change.
        _ = try await other.create("/a")
        #expect(try await change.event().kind == .dataChanged)
        #expect(try await deletion.event().kind == .deleted)
        #expect(zk.core.calls.count == 0)
        await zk.close()
        await other.close()
    }

    @Test("a read that fails leaves no watch behind")
    func failedRead() async throws {
        let server = try LoopbackServer()
        defer { withExtendedLifetime(server) {} }
        let zk = try await session(server)
        #expect(await failure { try await zk.getWatching("/none") } == .noNode("/none"))
        #expect(await failure { try await zk.childrenWatching("/none") } == .noNode("/none"))
        #expect(zk.core.calls.count == 0)
        await zk.close()
    }

    @Test("letting go of a watch forgets it, and its change then touches nothing")
    func dropped() async throws {
        let server = try LoopbackServer()
        defer { withExtendedLifetime(server) {} }
        let zk = try await session(server)
        _ = try await zk.create("/a")
        for _ in 0..<100 { _ = try await zk.getWatching("/a").1 }
        #expect(zk.core.calls.count == 0)
        let (_, kept) = try await zk.getWatching("/a")
        try await zk.set("/a", data: bytes("x"))
        #expect(try await kept.event().kind == .dataChanged)
        await zk.close()
    }

    @Test("cancelling a task that awaits a watch ends the wait and keeps the watch")
    func cancelledWait() async throws {
        let server = try LoopbackServer()
        defer { withExtendedLifetime(server) {} }
        let zk = try await session(server)
        _ = try await zk.create("/a")
        let (_, watch) = try await zk.getWatching("/a")
        let task = Task { await failure { try await watch.event() } }
        task.cancel()
        #expect(await task.value == .cancelled)
        try await zk.set("/a", data: bytes("x"))
        #expect(try await watch.event().kind == .dataChanged)
        await zk.close()
    }

    @Test("closing ends every watch that has not fired")
    func closing() async throws {
        let server = try LoopbackServer()
        defer { withExtendedLifetime(server) {} }
        let zk = try await session(server)
        _ = try await zk.create("/a")
        let (_, watch) = try await zk.getWatching("/a")
        let task = Task { await failure { try await watch.event() } }
        await zk.close()
        #expect(await task.value == .closed)
        #expect(await failure { try await zk.existsWatching("/a") } == .closed)
    }

    @Test("a watch survives the server's crash and tells what happened afterwards")
    func reconnection() async throws {
        let server = try LoopbackServer()
        defer { withExtendedLifetime(server) {} }
        let zk = try await session(server)
        _ = try await zk.create("/a")
        let (_, watch) = try await zk.getWatching("/a")
        server.kill()
        try server.start()
        let other = try await session(server)
        try await other.set("/a", data: bytes("x"))
        #expect(try await watch.event() == WatchEvent(kind: .dataChanged, path: "/a"))
        await zk.close()
        await other.close()
    }
}
