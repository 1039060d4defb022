import ControlProtocol
import Testing
import Topology

@testable import HostControl

/// The agent dies in the middle, another one starts, and the command is given again.
@Suite("Detaching after an interruption")
struct DetachmentInterruptionTests {
    private typealias World = DetachWorld
    private let run: RunID

    init() throws { run = try #require(RunID("run-1")) }

    private static func deaths(_ kinds: [DetachWorld.Kind]) -> [DetachWorld.Death] {
        kinds.flatMap { kind in
            [false, true].map { DetachWorld.Death(kind: kind, isAfter: $0) }
        }
    }

    @Test(
        "of a server that serves: the same end, with everything that its clients were told of",
        arguments: deaths([.attached, .installed, .close, .ask, .data, .end, .install, .copy])
    )
    func serving(death: DetachWorld.Death) async throws {
        let world = try World(run)
        #expect(await world.isInterrupted(.of(), death))
        try await world.restartAgent()
        #expect(world.now.closed == nil)

        let report = try await world.detach(.of())
        let state = world.now
        let told = try #require(state.told)
        guard case .held(let memory) = report.proof else {
            Issue.record("\(report.proof)")
            return
        }
        #expect(memory >= told && state.left.map { memory <= $0 } == true)
        #expect(report.pid == 41 && report.data.lastZxid == state.left)
        #expect(report.rules.wall == DetachRequest.peers && report.rules.closed == nil)
        #expect(state.pid == nil && state.copied == state.left && report.copy == "/data/mitosis-run-1")
        #expect(state.count(.end) == 1)
        expectSame(try await world.detach(.of()), report)
    }

    @Test(
        "of a server without a leader: the same end",
        arguments: deaths([
            .attached, .installed, .close, .ask, .install, .serving, .logWriter, .end, .copy, .data,
        ])
    )
    func looking(death: DetachWorld.Death) async throws {
        let world = try World(run) { state in
            state.isServing = false
            state.writer = { .at(100 * $0, turns: 3) }
        }
        #expect(await world.isInterrupted(.of(), death))
        try await world.restartAgent()
        let report = try await world.detach(.of())
        let state = world.now
        #expect(report.proof == .idle && report.pid == 41)
        #expect(report.rules.wall == DetachRequest.peers && report.rules.closed == nil)
        #expect(state.pid == nil && state.copied == state.left && report.copy == "/data/mitosis-run-1")
        expectSame(try await world.detach(.of()), report)
    }

    @Test(
        "of a server that is found stopped: the same end",
        arguments: deaths([.attached, .install, .copy, .data])
    )
    func stopped(death: DetachWorld.Death) async throws {
        let world = try World(run) { $0.pid = nil }
        #expect(await world.isInterrupted(.of(), death))
        try await world.restartAgent()
        let report = try await world.detach(.of())
        #expect(report.proof == .unknown(reason: "it was found stopped"))
        #expect(report.rules.wall == DetachRequest.peers && world.now.copied == world.now.disk)
        expectSame(try await world.detach(.of()), report)
    }

    @Test("a server that goes on after it was found drained is drained anew, to what it has then")
    func drainedAnew() async throws {
        let world = try World(run)
        #expect(await world.isInterrupted(.of(), World.Death(kind: .end, isAfter: false)))
        let before = try #require(try world.record.entry(of: run))
        try await world.restartAgent()
        #expect(world.now.pid == 41 && before.proof == .held(memory: Zxid(0x5_0000_0067)))
        // Its clients come back, for a while.
        world.change { state in
            state.memory = Zxid(state.memory.value + 30)
            state.told = state.memory
        }
        let report = try await world.detach(.of())
        #expect(report.proof == .held(memory: try #require(world.now.told)))
        #expect(world.now.count(.recorded) == 2 && report.proof != before.proof)
    }

    @Test("what was proven before an attempt that failed does not count when it is found stopped later")
    func provenBefore() async throws {
        let world = try World(run)
        #expect(await world.isInterrupted(.of(), World.Death(kind: .end, isAfter: false)))
        try await world.restartAgent()
        // It goes on, and its disk does not.
        world.change { $0.flushes = 0 }
        guard case .undrained = await failure(of: world, .of(seconds: 0)) else {
            Issue.record("its disk stands still")
            return
        }
        world.change { $0.pid = nil }
        #expect(try await world.detach(.of()).proof == .unknown(reason: "it was found stopped"))
    }

    /// All but how long it took.
    private func expectSame(
        _ again: DetachReport,
        _ first: DetachReport,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(again.proof == first.proof && again.pid == first.pid, sourceLocation: sourceLocation)
        #expect(again.data == first.data && again.copy == first.copy, sourceLocation: sourceLocation)
        #expect(again.rules == first.rules, sourceLocation: sourceLocation)
    }
}
