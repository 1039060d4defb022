import ControlProtocol
import Synchronization
import Testing
import Topology

@testable import HostControl

@Suite("Detaching a server that serves")
struct DetachmentTests {
    private typealias World = DetachWorld
    private typealias Step = DetachWorld.Step
    private let run: RunID
    private let start = Zxid(epoch: 5, counter: 100)

    init() throws { run = try #require(RunID("run-1")) }

    @Test("the steps come in the order in which nothing can be lost")
    func order() async throws {
        let world = try World(run)
        _ = try await world.detach(.of())
        var steps = world.now.steps
        // The copy is made while the wall is put up; nothing hangs on their order.
        let copied = try #require(steps.firstIndex(of: .copy(run)))
        let ended = try #require(steps.firstIndex(of: .end(41)))
        #expect(ended < copied)
        steps.remove(at: copied)
        #expect(
            steps == [
                .attached, .installed, .close(World.closed, behind: nil), .ask, .data, .data, .data,
                .recorded, .end(41), .install(DetachRequest.peers), .data,
            ]
        )
    }

    @Test("the report says what was proven, what the stopped server left, and how it now stands")
    func report() async throws {
        let world = try World(run)
        let report = try await world.detach(.of())
        let state = world.now
        // Three writes until the ports were closed.
        let memory = Zxid(start.value + 3)
        #expect(report.proof == .held(memory: memory) && state.told == memory && state.memory == memory)
        #expect(report.service == "zookeeper" && report.pid == 41)
        #expect(report.data.lastZxid == state.left && state.left == memory)
        #expect(report.rules == state.rules && report.rules.wall == DetachRequest.peers)
        #expect(report.rules.closed == nil && report.copy == "/data/mitosis-run-1")
        #expect(
            report.phases.map(\.name) == [
                "closed", "asked", "drained", "stopped", "walled", "copied", "confirmed",
            ]
        )
        #expect(report.phases.map(\.milliseconds) == report.phases.map(\.milliseconds).sorted())
        let kept = try world.record.entry(of: run)
        #expect(kept == DetachRecord.Entry(run: run, pid: 41, proof: .held(memory: memory)))
        #expect(state.pid == nil && state.copied == memory)
    }

    @Test(
        "it is not ended before its disk holds what it has in memory, however often one has to look",
        arguments: [UInt64(0), 1, 2, 5, 40]
    )
    func looks(behind: UInt64) async throws {
        let said = Mutex<[String]>([])
        let world = try World(run) { state in
            state.flushes = 1
            // Memory grows three times until the ports are closed, and the first look sees one more written.
            state.disk = Zxid(state.memory.value + 2 - behind)
        }
        _ = try await world.detach(.of()) { line in said.withLock { $0.append(line) } }
        let state = world.now
        let ended = try #require(state.steps.firstIndex(of: .end(41)))
        #expect(state.steps[..<ended].count { $0 == .data } == Int(behind) + 1)
        #expect(state.left == state.told)
        let waiting = "waiting for the disk to reach 0x500000067, it ends at \(Zxid(0x5_0000_0067 - behind))"
        #expect(said.withLock { $0 } == (behind == 0 ? [] : [waiting]))
    }

    @Test("a disk that is beyond what was in memory will do")
    func beyond() async throws {
        let world = try World(run) { state in
            state.answer = .serving(Zxid(state.memory.value - 20))
            state.flushes = 15
        }
        let report = try await world.detach(.of())
        #expect(report.proof == .held(memory: Zxid(start.value - 20)))
        #expect(world.now.count(.data) == 2)
    }

    @Test("a wall that stood before stands behind the closed ports", arguments: [nil, DetachRequest.older])
    func behindTheWall(wall: Wall?) async throws {
        let world = try World(run) { $0.wall = wall }
        let report = try await world.detach(.of())
        #expect(world.now.steps.contains(.close(World.closed, behind: wall)))
        #expect(report.rules.wall == DetachRequest.peers && report.rules.closed == nil)
    }

    @Test(
        "a log with a gap is no history, whatever its end: the server runs on as it did",
        arguments: [nil, DetachRequest.older],
        [0, 2]
    )
    func incomplete(wall: Wall?, from look: Int) async throws {
        let gap = ZxidRange(Zxid(0x5_0000_0007), through: Zxid(0x5_0000_0009))
        let world = try World(run) { state in
            state.wall = wall
            // A gap from the beginning, at a disk that holds the end; and one that only shows later.
            if look == 0 { state.flushes = 100 }
            state.missing = { $0 < look ? [] : [gap] }
        }
        let error = await failure(of: world)
        #expect(error == .incomplete(service: "zookeeper", missing: [gap]))
        #expect(error?.description.contains("0x500000007 to 0x500000009") == true)
        #expect(world.now.count(.data) == look + 1)
        expectUntouched(world, wall)
    }

    @Test(
        "a disk that does not catch up in time: the server runs on as it did",
        arguments: zip([nil, DetachRequest.older], [0, 1])
    )
    func undrained(wall: Wall?, seconds: Int) async throws {
        let world = try World(run) { state in
            state.wall = wall
            state.flushes = 0
            state.problems = ["log.500000001 ends early"]
        }
        let error = await failure(of: world, .of(seconds: seconds))
        let (memory, disk) = (Zxid(start.value + 3), Zxid(start.value - 10))
        #expect(
            error
                == .undrained(
                    service: "zookeeper",
                    memory: memory,
                    disk: disk,
                    seconds: seconds,
                    problems: ["log.500000001 ends early"]
                )
        )
        // In a second it is looked at for as long as it is, and without any time once.
        #expect(seconds == 0 ? world.now.count(.data) == 1 : world.now.count(.data) > 5)
        expectUntouched(world, wall)
    }

    @Test("a disk with nothing on it does not hold what is in memory")
    func nothingWritten() async throws {
        let world = try World(run) { $0.disk = nil }
        let error = await failure(of: world, .of(seconds: 0))
        guard case .undrained(_, _, nil, 0, []) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        expectUntouched(world, nil)
    }

    @Test(
        "a server that does not say what it has in memory runs on as it did",
        arguments: [nil, DetachRequest.older]
    )
    func silent(wall: Wall?) async throws {
        let world = try World(run) { state in
            state.wall = wall
            state.answer = .unreachable(reason: "it did not answer")
        }
        let error = await failure(of: world)
        #expect(error == .silent(service: "zookeeper", reason: "it did not answer"))
        #expect(world.now.count(.data) == 0)
        expectUntouched(world, wall)
    }

    @Test("another process than the one that was meant is left alone", arguments: [Int32(40), nil])
    func otherProcess(expected: Int32?) async throws {
        let world = try World(run)
        let error = await failure(of: world, .of(pid: expected))
        #expect(error == .otherProcess(expected: expected, found: 41))
        #expect(world.now.steps == [.attached])
    }

    @Test("a server to which there is no connection is left alone")
    func unattached() async throws {
        let cause = DetachError.silent(service: "zookeeper", reason: "no connection")
        let world = try World(run) { $0.serverFails = [.attached: cause] }
        #expect(await failure(of: world) == cause)
        #expect(world.now.steps == [.attached])
    }

    @Test("ports that an earlier attempt left closed are open when this one fails")
    func leftClosed() async throws {
        let world = try World(run) { state in
            state.closed = World.closed
            state.flushes = 0
        }
        _ = await failure(of: world, .of(seconds: 0))
        expectUntouched(world, nil)
    }
}

/// Why the attempt failed, which it must.
func failure(of world: DetachWorld, _ request: DetachRequest = .of()) async -> DetachError? {
    await #expect(throws: DetachError.self) { _ = try await world.detach(request) }
}

/// The server runs, was never touched, its clients get through, and the wall is the one of before.
func expectUntouched(
    _ world: DetachWorld,
    _ wall: Wall?,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    let state = world.now
    #expect(state.pid == 41 && state.count(.end) == 0, sourceLocation: sourceLocation)
    #expect(state.wall == wall && state.closed == nil, sourceLocation: sourceLocation)
    #expect(state.count(.copy) == 0 && state.entry == nil, sourceLocation: sourceLocation)
    // Not by way of no wall at all.
    #expect(wall == nil || state.count(.remove) == 0, sourceLocation: sourceLocation)
}
