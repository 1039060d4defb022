import ControlProtocol
import Fleet
import Journal
import Procedure
import Reporting
import Settings
import TestSupport
import Testing

@testable import Commands

@Suite("A run watched from beside it", .timeLimit(.minutes(1)))
struct WatchingTests {
    private func lines(_ watching: Watching) -> [String] {
        LiveScreen(
            watching.board,
            size: LiveScreen.Size(columns: 100, rows: 30),
            now: 20_000,
            footer: ""
        ).lines.map(\.text)
    }

    private func status(
        of host: HostName,
        _ run: String?,
        _ place: RunPlace? = nil,
        epoch: UInt64 = 1,
        expiresIn: Int64 = 1000
    ) throws -> Observation {
        let lease = try run.map { Lease(runID: try #require(RunID($0)), epoch: FencingEpoch(epoch)) }
        return .status(
            HostStatus(
                host: host,
                agentVersion: "0.3.0",
                protocolVersion: 2,
                clock: 10_000,
                agentStartedAt: 0,
                lease: LeaseState(
                    highestEpoch: FencingEpoch(epoch),
                    current: lease,
                    holder: nil,
                    expiresAt: 10_000 + expiresIn,
                    since: 5000,
                    place: place
                ),
                rules: InstalledRules(backend: .nftables, wall: nil, count: 0, counters: [], listing: ""),
                zookeeper: nil
            )
        )
    }

    @Test("without its journal the latest place that any agent was told counts, of this plan and in force")
    func placed() throws {
        let fixture = try RunFixture()
        let watching = Watching(fixture.plan, through: fixture.fleet, timing: fixture.clock.timing)
        let hosts = fixture.plan.agents.map(\.host)
        let place = { (title: String, since: Int64) in
            RunPlace(stage: "join", step: "join.x", title: title, since: since)
        }
        watching.take([
            hosts[0]: try status(of: hosts[0], "1-model", place("Older", 6000)),
            hosts[1]: try status(of: hosts[1], "1-model", place("Newest", 7000)),
            hosts[2]: try status(of: hosts[2], "1-other", place("Another plan's", 9000)),
            hosts[3]: try status(of: hosts[3], "1-other-model", place("Another's, too", 9000)),
            hosts[4]: try status(of: hosts[4], "1-model", place("Lapsed", 9000), epoch: 9, expiresIn: -1),
            hosts[5]: .silent(reason: "connection refused"),
        ])
        #expect(lines(watching).contains { $0.hasPrefix("step: Newest ") })
        #expect(lines(watching).first?.hasPrefix("mitosis model  run 1-model") == true)
        // One that does not answer may hold it still.
        watching.take([hosts[0]: try status(of: hosts[0], nil), hosts[1]: .silent(reason: "no")])
        #expect(watching.board.ending == nil)
        watching.take([hosts[0]: try status(of: hosts[0], nil)])
        #expect(watching.board.ending == "no agent holds a lease of a run any more")
    }

    @Test("before there is a run nothing has ended")
    func nothing() throws {
        let fixture = try RunFixture()
        let watching = Watching(fixture.plan, through: fixture.fleet, timing: fixture.clock.timing)
        let host = fixture.plan.agents[0].host
        watching.take([host: try status(of: host, nil)])
        #expect(watching.board.ending == nil)
        #expect(lines(watching).first?.hasPrefix("mitosis model  no run seen yet") == true)
    }

    @Test("where its journal is, the run's events count, and nothing of the journal is changed")
    func journaled() async throws {
        let fixture = try RunFixture()
        let journal = try fixture.openJournal()
        try await fixture.journalRun("1-model", upTo: nil, journal)
        let run = try #require(RunID("1-model"))
        let subject = RunEvent.Subject(stage: .join, step: "join.files", title: "Write files")
        _ = try journal.keep(
            [
                RunEvent(.runStarted(message: ""), at: 1, run: "1-model"),
                RunEvent(.stageStarted(.join, title: "Join"), at: 2, run: "1-model"),
                RunEvent(.stepStarted(subject), at: 3, run: "1-model"),
            ],
            of: run
        )
        let watching = Watching(fixture.plan, through: fixture.fleet, timing: fixture.clock.timing)
        await watching.look()
        #expect(lines(watching).contains { $0.hasPrefix("step: Write files ") })
        try journal.end(run, .stopped, at: 5)
        _ = try journal.keep(
            [RunEvent(.runStopped(nil, reason: "asked", standing: .joining), at: 4, run: "1-model")],
            of: run
        )
        await watching.look()
        #expect(watching.board.ending == "stopped: asked; the migration is joining")
        // It goes on: nothing has been told yet.
        try journal.setEpoch(FencingEpoch(2), of: run)
        await watching.look()
        #expect(watching.board.ending == nil)
        #expect(fixture.fleet.calls.isEmpty)
    }

    @Test("a journal that a takeover left behind gives way to what agents are told")
    func takenOver() async throws {
        let fixture = try RunFixture()
        let journal = try fixture.openJournal()
        try await fixture.journalRun("1-model", upTo: nil, journal)
        let run = try #require(RunID("1-model"))
        let stopped = RunEvent(
            .runStopped(nil, reason: "asked", standing: .joining),
            at: 4000,
            run: "1-model"
        )
        _ = try journal.keep([stopped], of: run)
        try journal.end(run, .stopped, at: 4000)
        let watching = Watching(fixture.plan, through: fixture.fleet, timing: fixture.clock.timing)
        await watching.look()
        #expect(watching.board.ending != nil)
        let host = fixture.plan.agents[0].host
        let old = RunPlace(stage: "join", step: nil, title: "Old", since: 3000)
        watching.take([host: try status(of: host, "1-model", old)])
        #expect(watching.board.ending != nil)
        let new = RunPlace(stage: "join", step: nil, title: "New", since: 6000)
        watching.take([host: try status(of: host, "1-model", new, epoch: 2)])
        #expect(watching.board.ending == nil)
        #expect(lines(watching).contains { $0.hasPrefix("step: New ") })
        await watching.look()
        #expect(!lines(watching).contains { $0.contains("stopped: asked") })
    }

    @Test("a journal that cannot be read is told of once, and places count")
    func unreadable() async throws {
        let fixture = try RunFixture()
        _ = try fixture.folder.write("this is no journal", to: "model.journal.sqlite")
        let watching = Watching(fixture.plan, through: fixture.fleet, timing: fixture.clock.timing)
        for _ in 1...3 { await watching.look() }
        #expect(lines(watching).count { $0.hasPrefix("!! ") } == 1)
        let host = fixture.plan.agents[0].host
        let place = RunPlace(stage: "join", step: nil, title: "Write files", since: 6000)
        watching.take([host: try status(of: host, "1-model", place)])
        #expect(lines(watching).contains { $0.hasPrefix("step: Write files ") })
    }
}
