import ControlProtocol
import FoundationEssentials
import Glibc
import LabKit
import Testing
import Topology

@testable import HostControl

@Suite("What a server's log writer does")
struct LogWriterTests {
    private func writer(
        _ id: Int32 = 7,
        state: Character = "S",
        call: LogWriter.Call = .endlessWait,
        switches: UInt64 = 5,
        ticks: UInt64 = 1
    ) -> LogWriter.Writer {
        LogWriter.Writer(id: id, state: state, call: call, switches: switches, ticks: ticks)
    }

    private func state(
        _ first: [LogWriter.Writer],
        _ second: [LogWriter.Writer],
        after gap: Duration = .milliseconds(20),
        isServer: Bool = true
    ) -> LogWriter.State {
        let now = ContinuousClock.now
        let earlier = LogWriter.Sample(takenAt: now, threads: first, isServer: true)
        let later = LogWriter.Sample(takenAt: now + gap, threads: second, isServer: isServer)
        return later.state(since: earlier)
    }

    @Test("it is parked when it sleeps in a wait without an end and did not run in between")
    func parked() {
        #expect(state([writer()], [writer()]) == .parked)
        #expect(state([writer(), writer(8)], [writer(), writer(8)]) == .parked)
        #expect(state([writer()], [writer()], isServer: false) == .parked)
        #expect(state([writer()], [writer(switches: 6)]) == .busy)
        #expect(state([writer()], [writer(ticks: 2)]) == .busy)
        #expect(state([writer(state: "R")], [writer(state: "R")]) == .busy)
        #expect(
            state([writer(state: "D", call: .other(75))], [writer(state: "D", call: .other(75))]) == .busy
        )
        #expect(state([writer(call: .other(202))], [writer(call: .other(202))]) == .busy)
        #expect(state([writer(call: .none)], [writer(call: .none)]) == .busy)
    }

    @Test("a second writer that is at work, or that came or went, makes it busy")
    func two() {
        #expect(state([writer(), writer(8)], [writer(), writer(8, state: "R", call: .none)]) == .busy)
        #expect(state([writer()], [writer(), writer(8)]) == .busy)
        #expect(state([writer(), writer(8)], [writer()]) == .busy)
    }

    @Test("without a writer it is gone, but only from a server; what cannot be told is unknown")
    func unknown() {
        #expect(state([writer()], []) == .gone)
        #expect(state([], []) == .gone)
        #expect(state([writer()], [], isServer: false) == .unknown)
        #expect(state([writer()], [writer()], after: .milliseconds(19)) == .unknown)
        #expect(state([writer(call: .untold)], [writer(call: .untold)]) == .unknown)
    }

    @Test("the kernel's words for a call are understood")
    func calls() {
        #if arch(x86_64)
            let futex = 202
        #else
            let futex = 98
        #endif
        func call(_ operation: String, _ limit: String) -> LogWriter.Call {
            LogWriter.Call(
                "\(futex) 0x7fa5b8272e68 \(operation) 0x0 \(limit) 0x0 0xffffffff 0x7fa52fffe480 0x7fa5be793f16\n"
            )
        }
        #expect(call("0x189", "0x0") == .endlessWait && call("0x89", "0x0") == .endlessWait)
        // With a time limit; a mutex or a stop of the whole JVM; another operation.
        #expect(call("0x189", "0x7fa52fffe290") == .other(futex))
        #expect(call("0x80", "0x0") == .other(futex) && call("0x81", "0x0") == .other(futex))
        #expect(LogWriter.Call("75 0x5 0x0\n") == .other(75))
        #expect(LogWriter.Call("running\n") == .none && LogWriter.Call("-1 0x7ff 0x7fa\n") == .none)
        #expect(LogWriter.Call(nil) == .untold && LogWriter.Call("") == .untold)
    }

    @Test("of a process that is no server, or is none, nothing is known")
    func others() async {
        #expect(await LogWriter.state(of: getpid()) == .unknown)
        #expect(await LogWriter.state(of: Int32.max) == .unknown && LogWriter.sample(of: Int32.max) == nil)
    }
}

@Suite(
    "A real server's log writer",
    .enabled(if: RealZooKeeper.isExpected, "ZooKeeper or Java is not installed"),
    .serialized
)
struct RealLogWriterTests {
    private let loopback: IPAddress

    init() throws { loopback = try #require(IPAddress("127.0.0.1")) }

    private func requireService(_ ports: [Port]) async throws {
        let serve = await eventually {
            ports.allSatisfy { port in
                if case .yes = ServingReader.ask(loopback, port) { return true }
                return false
            }
        }
        try #require(serve)
    }

    private func comes(_ state: LogWriter.State, to server: RealZooKeeper) async -> Bool {
        await eventually { await LogWriter.state(of: server.pid) == state }
    }

    private func logged(_ server: RealZooKeeper) -> Zxid {
        RealData(scratch: server.scratch).read().lastZxid ?? Zxid(0)
    }

    @Test("it is parked when idle, busy for as long as its disk is slow, and parked again")
    func slowDisk() async throws {
        let scratch = try Scratch()
        let disk = try await SlowDisk.make(in: scratch.path)
        let port = try RealZooKeeper.freePort()
        let server = try RealZooKeeper(
            ["clientPort=\(port)", "clientPortAddress=127.0.0.1"],
            environment: disk.environment
        )
        defer { withExtendedLifetime(server) {} }
        try await requireService([port])
        #expect(await comes(.parked, to: server))
        for _ in 0..<10 { #expect(await LogWriter.state(of: server.pid) == .parked) }

        try disk.delay(milliseconds: 2000)
        let writer = try RealData.startWriting(to: [port])
        defer { RealData.end(writer) }
        #expect(await comes(.busy, to: server))
        var calls: Set<LogWriter.Call> = []
        for _ in 0..<40 {
            #expect(await LogWriter.state(of: server.pid) == .busy)
            calls.formUnion(LogWriter.sample(of: server.pid)?.threads.map(\.call) ?? [])
        }
        #expect(!calls.contains(.endlessWait) && !calls.contains(.untold))

        // Its clients are gone; what they asked for is still to be written.
        RealData.end(writer)
        #expect(await LogWriter.state(of: server.pid) == .busy)
        try disk.delay(milliseconds: 0)
        #expect(await comes(.parked, to: server))
    }

    @Test("it is not parked while it gathers writes before it flushes them")
    func gathering() async throws {
        let port = try RealZooKeeper.freePort()
        let server = try RealZooKeeper(
            ["clientPort=\(port)", "clientPortAddress=127.0.0.1"],
            javaOptions: ["-Dzookeeper.flushDelay=900", "-Dzookeeper.maxBatchSize=10000"]
        )
        defer { withExtendedLifetime(server) {} }
        try await requireService([port])
        let writing = Task { try await RealZooKeeper.write(4, to: port) }
        var waits = 0
        var last: LogWriter.Sample?
        let end = ContinuousClock.now + .seconds(20)
        while waits < 10, ContinuousClock.now < end {
            let sample = try #require(LogWriter.sample(of: server.pid))
            if let last, case .other(let call)? = sample.threads.first?.call, call == 202 || call == 98 {
                waits += 1
                #expect(sample.state(since: last) != .parked)
            }
            last = sample
            try await Task.sleep(for: .milliseconds(25))
        }
        #expect(waits == 10)
        _ = try await writing.value
        #expect(await comes(.parked, to: server))
    }

    @Test(
        "a follower that loses its leader with writes still queued loses its writer too, and what was queued"
    )
    func gone() async throws {
        let scratch = try Scratch()
        let disk = try await SlowDisk.make(in: scratch.path)
        let ports = try (0..<9).map { _ in try RealZooKeeper.freePort() }
        let members = (0..<3).map { "server.\($0 + 1)=127.0.0.1:\(ports[$0 + 3]):\(ports[$0 + 6])" }
        // The third, with the highest id, leads.
        let servers = try (0..<3).map { index in
            try RealZooKeeper(
                members + ["clientPort=\(ports[index])", "clientPortAddress=127.0.0.1"],
                myid: index + 1,
                environment: index == 0 ? disk.environment : [:]
            )
        }
        try await requireService(Array(ports[..<3]))
        for server in servers {
            #expect(await comes(.parked, to: server))
            #expect(LogWriter.sample(of: server.pid)?.isServer == true)
        }
        let writer = try RealData.startWriting(to: Array(ports[1..<3]))
        defer { RealData.end(writer) }
        let isFed = await eventually { logged(servers[0]).counter > 20 }
        try #require(isFed)
        try disk.delay(milliseconds: 1000)
        // The first confirms what the others made durable, a second or more before its own disk has it.
        var confirmed = Zxid(0)
        let isAhead = await eventually {
            if case .yes(let stats) = ServingReader.ask(loopback, ports[0]) { confirmed = stats.zxid }
            return confirmed.counter > logged(servers[0]).counter + 20
        }
        try #require(isAhead)
        for server in servers[1...] { server.end() }
        let isGone = await comes(.gone, to: servers[0])
        #expect(isGone && ServingReader.ask(loopback, ports[0]) == .looking)
        try disk.delay(milliseconds: 0)
        try await Task.sleep(for: .milliseconds(500))
        #expect(await LogWriter.state(of: servers[0].pid) == .gone)
        #expect(logged(servers[0]) < confirmed)
    }
}
