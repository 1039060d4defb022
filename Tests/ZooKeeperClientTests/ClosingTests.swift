import FoundationEssentials
import Glibc
import Synchronization
import Testing
import Topology

@testable import ZooKeeperClient

@Suite(
    "closing, cancelling and volume",
    .serialized,
    .enabled(if: LoopbackServer.isInstalled, "ZooKeeper or Java is not installed"),
    .timeLimit(.minutes(10))
)
struct ClosingTests {
    @Test("closing from many tasks while requests run ends every one of them")
    func concurrentClose() async throws {
        let server = try LoopbackServer()
        defer { withExtendedLifetime(server) {} }
        for round in 0..<20 {
            let zk = try await session(server)
            let errors = await withTaskGroup(of: ZooKeeperError?.self) { group in
                for _ in 0..<1_000 { group.addTask { await failure { try await zk.get("/") } } }
                for _ in 0..<8 {
                    group.addTask {
                        if round.isMultiple(of: 2) { await Task.yield() }
                        await zk.close()
                        return nil
                    }
                }
                var errors: Set<ZooKeeperError> = []
                for await error in group { if let error { errors.insert(error) } }
                return errors
            }
            #expect(errors.isSubset(of: [.closed]))
            #expect(zk.core.calls.count == 0)
            #expect(zk.state == .ended(.closed))
            #expect(await failure { try await zk.get("/") } == .closed)
        }
        #expect(SessionRegistry.count == 0)
    }

    @Test("a close without waiting, from the task that was just answered, is safe")
    func closeUponReply() async throws {
        let server = try LoopbackServer()
        defer { withExtendedLifetime(server) {} }
        for _ in 0..<50 {
            let zk = try await session(server)
            _ = try await zk.get("/")
            _ = Task { await zk.close() }
        }
        #expect(await eventually { SessionRegistry.count == 0 })
    }

    @Test("cancelled requests end at once, and the session goes on")
    func cancelled() async throws {
        let server = try LoopbackServer()
        defer { withExtendedLifetime(server) {} }
        let zk = try await session(server)
        server.signal(SIGSTOP)
        let tasks = (0..<1_500).map { _ in Task { await failure { try await zk.get("/") } } }
        #expect(await eventually { zk.core.calls.count == 500 })
        for task in tasks { task.cancel() }
        for task in tasks { #expect(await task.value == .cancelled) }
        server.signal(SIGCONT)
        // Their replies still come and give their places back.
        #expect(await eventually { zk.core.calls.count == 0 })
        let again = await zk.get(all: Array(repeating: "/", count: 1_000))
        #expect(again.allSatisfy { if case .success = $0 { true } else { false } })
        await zk.close()
    }

    @Test("ten thousand pipelined reads are answered in order, quickly and within the window")
    func pipelined() async throws {
        let server = try LoopbackServer()
        defer { withExtendedLifetime(server) {} }
        let zk = try await session(server)
        for index in 0..<100 { _ = try await zk.create("/n\(index)", data: bytes("\(index)")) }
        var paths = (0..<10_000).map { "/n\($0 % 100)" }
        paths[5_000] = "/none"
        let begin = ContinuousClock.now
        let results = await zk.get(all: paths)
        let elapsed = ContinuousClock.now - begin
        print("10000 reads in \(elapsed)")
        #expect(results.count == paths.count)
        for (index, result) in results.enumerated() where index != 5_000 {
            #expect(try result.get().data == bytes("\(index % 100)"))
        }
        #expect(results[5_000] == .failure(.noNode("/none")))
        #expect(elapsed < .seconds(20))

        let stats = await zk.exists(all: ["/n1", "/none"])
        #expect(try stats[0].get() != nil)
        #expect(try stats[1].get() == nil)
        let lists = await zk.children(all: ["/", "/n1"])
        #expect(try lists[0].get().names.count == 101)
        #expect(try lists[1].get().names.isEmpty)
        #expect(await zk.get(all: []).isEmpty)
        await zk.close()
    }

    @Test("ten thousand tasks of their own wait their turn and are all answered")
    func ownTasks() async throws {
        let server = try LoopbackServer()
        defer { withExtendedLifetime(server) {} }
        let zk = try await session(server)
        let most = Peak()
        let answered = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<10_000 {
                group.addTask {
                    most.value.max(zk.core.calls.count, ordering: .relaxed)
                    return await failure { try await zk.exists("/") } == nil
                }
            }
            var count = 0
            for await isAnswered in group where isAnswered { count += 1 }
            return count
        }
        #expect(answered == 10_000)
        #expect(most.value.load(ordering: .relaxed) <= 500)
        await zk.close()
    }

    @Test("two hundred sessions leave no descriptor, thread or memory behind")
    func leaks() async throws {
        let server = try LoopbackServer()
        defer { withExtendedLifetime(server) {} }
        func round(_ count: Int) async throws {
            for index in 0..<count {
                let zk = try await session(server)
                // Let go of only afterwards: a session that nobody holds ends, with what is under way.
                defer { withExtendedLifetime(zk) {} }
                // Of a name of its own: a session that is let go of ends a moment later, and its node with it.
                let path = try await zk.create("/e", mode: .ephemeralSequential)
                _ = try await zk.getWatching(path)
                if index.isMultiple(of: 2) { await zk.close() }
            }
            #expect(await eventually { SessionRegistry.count == 0 })
        }
        try await round(1)
        try await round(40)
        let descriptors = try openDescriptors()
        let memory = try residentKilobytes()
        try await round(200)
        let after = try (openDescriptors(), threads(), residentKilobytes())
        print(
            "descriptors \(descriptors) -> \(after.0), threads \(after.1), resident kB \(memory) -> \(after.2)"
        )
        #expect(after.0 <= descriptors + 2)
        #expect(after.1 < 100)
        #expect(after.2 < memory + 10_000)
    }

    @Test("the library's messages go to the sink, with their level")
    func log() async throws {
        let line = ClientLog.line(
            "2026-01-01 00:00:00,000:1(0x7f):ZOO_ERROR@handle_socket_error_msg@2: Socket [127.0.0.1:1] refused"
        )
        #expect(line == ClientLog.Line(level: .error, text: "Socket [127.0.0.1:1] refused"))
        #expect(ClientLog.line("odd") == ClientLog.Line(level: .other, text: "odd"))

        let sink = LineSink()
        ClientLog.send(to: { line in sink.lines.withLock { $0.append(line) } })
        defer { ClientLog.send(to: nil) }
        let closed = try #require(ConnectString("127.0.0.1:\(LoopbackServer.freePort())"))
        _ = await failure { try await ZooKeeperSession.connect(closed, timeout: .seconds(1)) }
        #expect(sink.lines.withLock { $0.contains { $0.level == .error && $0.text.contains("refused") } })
    }
}

private final class LineSink: Sendable {
    let lines = Mutex<[ClientLog.Line]>([])
}

private final class Peak: Sendable {
    let value = Atomic(0)
}
