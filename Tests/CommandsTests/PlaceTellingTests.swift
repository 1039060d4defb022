import ControlProtocol
import Fleet
import Procedure
import Settings
import SystemCalls
import TestSupport
import Testing

@testable import Commands

@Suite("What agents are told of a run's place", .timeLimit(.minutes(10)))
struct PlaceTellingTests {
    private static func started(_ step: StepID, _ stage: StageName = .join) -> RunEvent {
        let subject = RunEvent.Subject(stage: stage, step: step, title: "Title of \(step)")
        return RunEvent(.stepStarted(subject), at: 7, run: "1-model")
    }

    @Test("each step of a run is told with its lease, but none within the window")
    func told() async throws {
        let fixture = try RunFixture()
        let hosts = fixture.plan.agents.map(\.host)
        let lease = Lease(runID: try #require(RunID("1-model")), epoch: FencingEpoch(3))
        let (turns, turned) = AsyncStream<Void>.makeStream()
        let timing = Timing(now: { 0 }, monotonic: { .zero }, sleep: { _ in turned.yield() })
        let telling = PlaceTelling(lease, on: hosts, through: fixture.fleet, timing: timing)
        let work = Task { await telling.work() }
        var turn = turns.makeAsyncIterator()

        telling.take(Self.started("join.files"))
        await turn.next()
        #expect(fixture.fleet.places == Array(repeating: "Title of join.files", count: hosts.count))
        for step in ["division.detach", "division.split", "division.commit", "division.start"] {
            telling.take(Self.started(StepID(step), .division))
            await turn.next()
        }
        #expect(fixture.fleet.places.count == hosts.count)
        let start = RunEvent.Subject(stage: .division, step: "division.start", title: "")
        telling.take(RunEvent(.stepFinished(start, observed: "", milliseconds: 1), at: 8, run: "1-model"))
        telling.take(Self.started("division.history", .division))
        await turn.next()
        #expect(fixture.fleet.places.suffix(hosts.count).allSatisfy { $0 == "Title of division.history" })
        #expect(fixture.fleet.places.count == 2 * hosts.count)
        work.cancel()
        await work.value
    }
}
