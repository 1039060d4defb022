import FoundationEssentials
import Glibc
import Synchronization
import Testing
import Topology

@testable import ZooKeeperClient

@Suite(
    "sessions under faults",
    .serialized,
    .enabled(if: LoopbackServer.isInstalled, "ZooKeeper or Java is not installed"),
    .timeLimit(.minutes(10))
)
struct SessionFaultTests {
    @Test("an ephemeral node vanishes when its session is closed, and when it is only let go of")
    func ephemeral() async throws {
        let server = try LoopbackServer()
        defer { withExtendedLifetime(server) {} }
        let observer = try await session(server)
        do {
            let owner = try await session(server)
            _ = try await owner.create("/closed", mode: .ephemeral)
            #expect(try await observer.exists("/closed")?.ephemeralOwner == owner.sessionID)
            await owner.close()
            try await observer.sync("/closed")
            #expect(try await observer.exists("/closed") == nil)
        }
        let watch: NodeWatch
        do {
            let owner = try await session(server)
            _ = try await owner.create("/dropped", mode: .ephemeral)
            watch = try await observer.existsWatching("/dropped").1
        }
        #expect(try await watch.event().kind == .deleted)
        await observer.close()
    }

    @Test("requests in flight when the server is killed all end with an error, and none hangs")
    func killed() async throws {
        let server = try LoopbackServer()
        defer { withExtendedLifetime(server) {} }
        let zk = try await session(server)
        _ = try await zk.create("/a", data: Data(repeating: 1, count: 10_000))
        // Stopped first, so that what is sent stays unanswered until the kill.
        server.signal(SIGSTOP)
        let answered = await withTaskGroup(of: ZooKeeperError?.self) { group in
            for index in 0..<2_000 {
                group.addTask {
                    await failure {
                        if index.isMultiple(of: 2) {
                            _ = try await zk.get("/a")
                        } else {
                            _ = try await zk.set("/a", data: Data([1]))
                        }
                    }
                }
            }
            group.addTask {
                _ = await eventually { zk.core.calls.count == 500 }
                server.kill()
                return .connectionLoss
            }
            var seen: [ZooKeeperError?: Int] = [:]
            for await error in group { seen[error, default: 0] += 1 }
            return seen
        }
        #expect(answered == [.connectionLoss: 2_001])
        #expect(zk.core.calls.count == 0)
        await zk.close()
    }

    @Test("a server that hangs ends requests within the session's timeout")
    func hung() async throws {
        let server = try LoopbackServer()
        defer { withExtendedLifetime(server) {} }
        let zk = try await session(server, timeout: .seconds(2))
        server.signal(SIGSTOP)
        let begin = ContinuousClock.now
        let error = await failure { try await zk.get("/") }
        #expect(error == .timeout("/") || error == .connectionLoss)
        #expect(ContinuousClock.now - begin < .seconds(4))
        // Closing does not wait for it for ever either.
        let closing = ContinuousClock.now
        await zk.close()
        #expect(ContinuousClock.now - closing < .seconds(8))
        server.signal(SIGCONT)
    }

    @Test("after a restart of the server the session and its ephemeral node go on")
    func restart() async throws {
        let server = try LoopbackServer()
        defer { withExtendedLifetime(server) {} }
        let zk = try await session(server)
        let before = try #require(zk.sessionID)
        _ = try await zk.create("/e", mode: .ephemeral)
        let states = zk.states()
        server.kill()
        try server.start()
        var seen: [SessionState] = []
        for await state in states {
            seen.append(state)
            if seen.count == 3 { break }
        }
        #expect(seen.count == 3)
        #expect(seen[1] == .connecting)
        #expect(seen[0] == seen[2])
        #expect(zk.sessionID == before)
        #expect(try await zk.exists("/e")?.ephemeralOwner == before)
        await zk.close()
    }

    @Test("credentials hold after a reconnection")
    func credentialsAgain() async throws {
        let server = try LoopbackServer()
        defer { withExtendedLifetime(server) {} }
        let zk = try await session(server, [.digest(user: "kafka", password: "secret")])
        _ = try await zk.create("/private", data: bytes("x"), access: .creatorAll)
        let states = zk.states()
        server.kill()
        try server.start()
        var changes = 0
        for await _ in states {
            changes += 1
            if changes == 3 { break }
        }
        #expect(try await zk.get("/private").data == bytes("x"))
        await zk.close()
    }

    @Test("an expired session ends by itself: requests, watches and streams say so")
    func expiry() async throws {
        let server = try LoopbackServer()
        defer { withExtendedLifetime(server) {} }
        let relay = try FreezableRelay(to: server.port)
        let other = try await session(server)
        var options = SessionOptions()
        options.sessionTimeout = .seconds(1)
        let servers = try #require(ConnectString("127.0.0.1:\(relay.port)"))
        let zk = try await ZooKeeperSession.connect(servers, timeout: .seconds(30), options: options)
        _ = try await zk.create("/e", mode: .ephemeral)
        let (_, watch) = try await zk.getWatching("/e")
        let (_, vanishing) = try await other.existsWatching("/e")
        let states = zk.states()
        relay.freeze()
        #expect(try await vanishing.event().kind == .deleted)
        #expect(zk.state != .ended(.sessionExpired))
        relay.thaw()
        var last: SessionState?
        for await state in states { last = state }
        #expect(last == .ended(.sessionExpired))
        #expect(await failure { try await watch.event() } == .sessionExpired)
        #expect(await failure { try await zk.get("/") } == .sessionExpired)
        #expect(zk.sessionID == nil)
        #expect(await eventually { SessionRegistry.count == 1 })
        await zk.close()
        await other.close()
    }

    @Test("names that resolve to nothing and a silent address are told apart")
    func unreachable() async throws {
        let unknown = try #require(ConnectString("no-such-host.invalid:2181"))
        let first = await failure { try await ZooKeeperSession.connect(unknown, timeout: .seconds(20)) }
        guard case .unresolvable(let servers, _) = first else {
            Issue.record("\(String(describing: first))")
            return
        }
        #expect(servers == "no-such-host.invalid:2181")

        let closed = try #require(ConnectString("127.0.0.1:\(LoopbackServer.freePort())"))
        let second = await failure { try await ZooKeeperSession.connect(closed, timeout: .milliseconds(300)) }
        guard case .timeout(let text) = second else {
            Issue.record("\(String(describing: second))")
            return
        }
        #expect(text.contains("127.0.0.1"))
        #expect(await eventually { SessionRegistry.count == 0 })
    }

    @Test("cancelling a connect ends it at once and leaves nothing open")
    func cancelledConnect() async throws {
        let closed = try #require(ConnectString("127.0.0.1:\(LoopbackServer.freePort())"))
        let task = Task {
            await failure { try await ZooKeeperSession.connect(closed, timeout: .seconds(60)) }
        }
        _ = await eventually { SessionRegistry.count == 1 }
        task.cancel()
        #expect(await task.value == .cancelled)
        #expect(await eventually { SessionRegistry.count == 0 })
    }

    @Test("an address of IPv6 is understood")
    func ipv6() async throws {
        let server = try LoopbackServer(address: "::1")
        defer { withExtendedLifetime(server) {} }
        let servers = try #require(ConnectString("[::1]:\(server.port)"))
        let zk = try await ZooKeeperSession.connect(servers, timeout: .seconds(30))
        #expect(try await zk.children("/").names == ["zookeeper"])
        await zk.close()
    }
}
