import ControlProtocol
import Journal
import Procedure
import Synchronization
import SystemCalls
import TestSupport
import Testing

@testable import Commands

@Suite("How a run's events are kept", .timeLimit(.minutes(10)))
struct EventKeepingTests {
    private static let detach = RunEvent.Subject(stage: .division, step: .detach, title: "Detach")
    private static let start = RunEvent.Subject(stage: .division, step: "division.start", title: "Start")

    private static func event(_ what: RunEvent.What) -> RunEvent { RunEvent(what, at: 1, run: "r1") }

    @Test("within the window nothing is written, and when it is over, all of it")
    func window() async throws {
        let fixture = try RunFixture()
        let journal = try fixture.openJournal()
        try await fixture.journalRun("r1", upTo: nil, journal)
        let run = try #require(RunID("r1"))
        let turns = AsyncStream<Void>.makeStream()
        let looked = AsyncStream<Void>.makeStream()
        let timing = Timing(
            now: { 0 },
            monotonic: { .zero },
            sleep: { _ in
                looked.continuation.yield()
                for await _ in turns.stream { return }
            }
        )
        let keeping = EventKeeping(journal, of: run, timing: timing) { Issue.record("\($0)") }
        let work = Task { await keeping.work() }
        var looks = looked.stream.makeAsyncIterator()
        await looks.next()
        keeping.take(Self.event(.runStarted(message: "")))
        turns.continuation.yield()
        await looks.next()
        #expect(try journal.events(of: run).map(\.event) == [.runStarted])
        keeping.take(Self.event(.stepStarted(Self.detach)))
        keeping.take(Self.event(.stepFinished(Self.detach, observed: "", milliseconds: 1)))
        turns.continuation.yield()
        await looks.next()
        #expect(try journal.events(of: run).count == 1)
        keeping.take(Self.event(.stepFinished(Self.start, observed: "", milliseconds: 1)))
        turns.continuation.yield()
        await looks.next()
        #expect(
            try journal.events(of: run).map(\.event)
                == [.runStarted, .stepStarted, .stepFinished, .stepFinished]
        )
        work.cancel()
        turns.continuation.finish()
        await work.value
    }

    @Test("a journal that takes none is told of once, and the run goes on")
    func failing() async throws {
        let fixture = try RunFixture()
        let base = try fixture.openJournal()
        try await fixture.journalRun("r1", upTo: nil, base)
        let run = try #require(RunID("r1"))
        let told = Mutex<[String]>([])
        let keeping = EventKeeping(FaultyJournal(base, fails: .keepEvents), of: run) { text in
            told.withLock { $0.append(text) }
        }
        for _ in 1...3 {
            keeping.take(Self.event(.runStarted(message: "")))
            keeping.flush()
        }
        #expect(told.withLock { $0.count } == 1)
        #expect(told.withLock { $0.first?.contains(FaultyJournal.reason) } == true)
        #expect(try base.events(of: run).isEmpty)
    }

    @Test("the conductor keeps what its run told")
    func conducted() async throws {
        let fixture = try RunFixture()
        let journal = try fixture.openJournal()
        try await fixture.journalRun("r1", upTo: nil, journal)
        try await fixture.conductor(journal).perform(.forward)
        let events = try journal.events(of: try #require(RunID("r1")))
        #expect(events.map(\.event) == [.runResumed, .runFinished])
    }
}
