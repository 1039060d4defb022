import ControlProtocol
import Testing
import Topology

@testable import HostControl

@Suite("Detaching a server that has lost its leader")
struct DetachmentCutOffTests {
    private typealias World = DetachWorld
    private let run: RunID
    private static let gone = "it had lost its leader, and the thread that writes its log had ended"

    init() throws { run = try #require(RunID("run-1")) }

    /// It looks for a leader; its log writer is looked at every 50 ms of its own time.
    private func looking(
        servings: [Serving] = [.looking],
        behind wall: Wall? = nil,
        _ writer: @escaping @Sendable (Int) -> LogWriter.Sample?
    ) throws -> World {
        try World(run) { state in
            state.isServing = false
            (state.servings, state.wall, state.writer) = (servings, wall, writer)
        }
    }

    @Test("the wall comes first, and it is idle when its log writer has rested for a fifth of a second")
    func idle() async throws {
        let world = try looking { .at(50 * $0, turns: 3) }
        let report = try await world.detach(.of())
        var steps = world.now.steps
        let copied = try #require(steps.firstIndex(of: .copy(run)))
        steps.remove(at: copied)
        let looks = Array(repeating: [World.Step.serving, .logWriter], count: 5).flatMap { $0 }
        #expect(
            steps == [
                .attached, .installed, .close(World.closed, behind: nil), .ask,
                .install(DetachRequest.peers),
            ] + looks + [.recorded, .end(41), .install(DetachRequest.peers), .data]
        )
        #expect(report.proof == .idle && report.pid == 41)
        #expect(
            report.phases.map(\.name)
                == ["closed", "asked", "walled", "idle", "stopped", "walled", "copied", "confirmed"]
        )
        #expect(try world.record.entry(of: run)?.proof == .idle)
        #expect(world.now.pid == nil && world.now.wall == DetachRequest.peers)
    }

    @Test("199 ms of rest are not enough")
    func almost() async throws {
        let world = try looking { .at($0 == 0 ? 0 : 198 + $0, turns: 3) }
        _ = try await world.detach(.of())
        #expect(world.now.count(.logWriter) == 3)
    }

    @Test("its rest counts from when it last had something to do")
    func rests() async throws {
        let world = try looking { .at(50 * $0, turns: UInt64(min($0, 6))) }
        #expect(try await world.detach(.of()).proof == .idle)
        #expect(world.now.count(.logWriter) == 7 + 4)
    }

    @Test(
        "its rest counts from when it was last heard to serve, or not heard at all",
        arguments: [Serving.serving(Zxid(0x5_0000_0064)), .unreachable(reason: "it did not answer")]
    )
    func interrupted(other: Serving) async throws {
        let servings = [Serving.looking, .looking, .looking, .looking, other, .looking]
        let world = try looking(servings: servings) { .at(50 * $0, turns: 3) }
        #expect(try await world.detach(.of()).proof == .idle)
        #expect(world.now.count(.logWriter) == 5 + 5)
    }

    @Test("without a log writer nobody knows what it had")
    func unknown() async throws {
        let world = try looking { .at(50 * $0, turns: $0 < 2 ? 3 : nil) }
        #expect(try await world.detach(.of()).proof == .unknown(reason: Self.gone))
        #expect(world.now.count(.logWriter) == 3)
        #expect(world.now.pid == nil && world.now.wall == DetachRequest.peers)
        #expect(try world.record.entry(of: run)?.proof == .unknown(reason: Self.gone))
    }

    @Test(
        "a log writer that never rests: the server runs on as it did",
        arguments: zip([nil, DetachRequest.older], [0, 1])
    )
    func busy(wall: Wall?, seconds: Int) async throws {
        let world = try looking(behind: wall) { .at(50 * $0, turns: UInt64($0)) }
        let error = await failure(of: world, .of(seconds: seconds))
        #expect(error == .busy(service: "zookeeper", reason: "its log writer is at work", seconds: seconds))
        #expect(seconds == 0 ? world.now.count(.logWriter) == 1 : world.now.count(.logWriter) > 5)
        expectUntouched(world, wall)
    }

    @Test("a log writer of which the kernel tells nothing is no proof, and the server runs on as it did")
    func untold() async throws {
        let reason = "what its log writer does cannot be seen"
        async let first = try looking { .at(50 * $0, turns: 3, call: .untold) }.isBusy(because: reason)
        async let second = try looking { .at(50 * $0, turns: nil, isServer: false) }.isBusy(because: reason)
        #expect(try await (first, second) == (true, true))
    }

    @Test("a server that goes on serving, or says nothing any more, is not ended")
    func notLooking() async throws {
        // Its log writer rests all the time.
        let rest: @Sendable (Int) -> LogWriter.Sample? = { .at(300 * $0, turns: 3) }
        let serving = Serving.serving(Zxid(0x5_0000_0064))
        async let first = try looking(servings: [serving], rest).isBusy(because: "it still serves")
        async let second = try looking(servings: [.unreachable(reason: "no")], rest).isBusy(because: "no")
        #expect(try await (first, second) == (true, true))
    }

    @Test("a process of which there are no samples is not taken for one that rests")
    func noSamples() async throws {
        let world = try looking { _ in nil }
        let error = await failure(of: world, .of(seconds: 0))
        guard case .busy = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        expectUntouched(world, nil)
    }

    @Test("the first number of an epoch stands for no transaction: it is cut off and watched like the others")
    func noTransaction() async throws {
        let nothing = Serving.serving(Zxid(epoch: 6, counter: 0))
        let world = try looking(servings: [nothing, .looking]) { .at(50 * $0, turns: 3) }
        world.change { state in
            state.answer = nothing
            // Beyond it, and no proof of anything.
            state.disk = Zxid(epoch: 6, counter: 1)
        }
        let report = try await world.detach(.of())
        #expect(report.proof == .idle)
        let state = world.now
        let asked = try #require(state.steps.firstIndex(of: .ask))
        #expect(state.steps[asked + 1] == .install(DetachRequest.peers))
        #expect(state.count(.logWriter) == 1 + 5)
    }

    @Test("the wall that stands already is replaced by the one that was asked for")
    func otherWall() async throws {
        let world = try looking(behind: DetachRequest.older) { .at(100 * $0, turns: 3) }
        let report = try await world.detach(.of())
        #expect(report.rules.wall == DetachRequest.peers && world.now.wall == DetachRequest.peers)
    }
}

extension DetachWorld {
    /// Whether an attempt of one second ends with this, and the server as it was.
    fileprivate func isBusy(because reason: String) async -> Bool {
        let error = await failure(of: self, .of(seconds: 1))
        expectUntouched(self, nil)
        return error == .busy(service: "zookeeper", reason: reason, seconds: 1)
    }
}
