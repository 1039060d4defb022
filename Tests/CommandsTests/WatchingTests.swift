import ControlProtocol
import Fleet
import Journal
import Procedure
import Reporting
import Settings
import TestSupport
import Testing

@testable import Commands

@Suite("A run watched from beside it", .timeLimit(.minutes(10)))
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

    /// Every agent grants the lease, as if it had been asked.
    private func lease(_ run: String, epoch: UInt64, _ title: String?, _ fixture: RunFixture) throws {
        let lease = Lease(runID: try #require(RunID(run)), epoch: FencingEpoch(epoch))
        for agent in fixture.plan.agents {
            try fixture.fleet.change(agent.host.description) { agent in
                (agent.epoch, agent.lease, agent.expiresAt) = (epoch, lease, 1000)
                agent.place = title.map { RunPlace(stage: "join", step: nil, title: $0, since: 6000) }
            }
        }
    }

    private func release(_ fixture: RunFixture) throws {
        for agent in fixture.plan.agents {
            try fixture.fleet.change(agent.host.description) { $0.lease = nil }
        }
    }

    /// A run in the journal at its step "Old", under epoch 1; stopped, or as a coordinator leaves it that dies.
    private func leaveRun(_ journal: SQLiteJournal, _ fixture: RunFixture, isStopped: Bool) async throws {
        try await fixture.journalRun("1-model", upTo: nil, journal)
        let run = try #require(RunID("1-model"))
        var events = [
            RunEvent(.runStarted(message: ""), at: 1, run: "1-model"),
            RunEvent(.stepStarted(RunEvent.Subject(stage: .join, title: "Old")), at: 3, run: "1-model"),
        ]
        if isStopped {
            events.append(
                RunEvent(.runStopped(nil, reason: "asked", standing: .joining), at: 4, run: "1-model")
            )
            try journal.end(run, .stopped, at: 4)
        }
        _ = try journal.keep(events, of: run)
    }

    @Test(
        "a journal that a takeover left behind gives way to what agents are told, at the first look, however it was left",
        arguments: [true, false],
        ["1-model", "2-model"]
    )
    func takenOver(isStopped: Bool, run: String) async throws {
        let fixture = try RunFixture()
        let journal = try fixture.openJournal()
        try await leaveRun(journal, fixture, isStopped: isStopped)
        try lease(run, epoch: 2, "New", fixture)
        let watching = Watching(fixture.plan, through: fixture.fleet, timing: fixture.clock.timing)
        await watching.look()
        #expect(watching.board.ending == nil)
        #expect(lines(watching).first?.hasPrefix("mitosis model  run \(run)") == true)
        #expect(lines(watching).contains { $0.hasPrefix("step: New ") })
        try release(fixture)
        await watching.look()
        #expect(watching.board.ending == "no agent holds a lease of a run any more")
    }

    @Test(
        "who watches without an end follows a run that was taken over, however it was left",
        arguments: [true, false]
    )
    func followed(isStopped: Bool) async throws {
        let fixture = try RunFixture()
        let journal = try fixture.openJournal()
        try await leaveRun(journal, fixture, isStopped: isStopped)
        try lease("1-model", epoch: 2, "New", fixture)
        let watching = Watching(fixture.plan, through: fixture.fleet, timing: fixture.clock.timing)
        let work = Task { await watching.work() }
        // Who looks and who reads the journal: both have done it once.
        await fixture.clock.advance(by: .zero, asSoonAs: 2)
        #expect(watching.board.ending == nil)
        #expect(lines(watching).contains { $0.hasPrefix("step: New ") })
        work.cancel()
        await work.value
    }

    @Test("a lease under the journal's own epoch, or one without a place, leaves the journal the last word")
    func ownLease() async throws {
        let fixture = try RunFixture()
        let journal = try fixture.openJournal()
        try await leaveRun(journal, fixture, isStopped: false)
        let watching = Watching(fixture.plan, through: fixture.fleet, timing: fixture.clock.timing)
        for (epoch, title) in [(1, "As told"), (2, nil)] as [(UInt64, String?)] {
            try lease("1-model", epoch: epoch, title, fixture)
            await watching.look()
            #expect(lines(watching).contains { $0.hasPrefix("step: Old ") })
        }
    }

    private static let isUnheld = "no agent holds a lease of this run: its coordinator may be gone"

    @Test("a run without an end that no agent holds a lease of is told of once, and watched on")
    func unheld() async throws {
        let fixture = try RunFixture()
        let journal = try fixture.openJournal()
        try await leaveRun(journal, fixture, isStopped: false)
        let watching = Watching(fixture.plan, through: fixture.fleet, timing: fixture.clock.timing)
        try lease("1-model", epoch: 1, nil, fixture)
        await watching.look()
        try release(fixture)
        let host = fixture.plan.source[0].host.description
        try fixture.fleet.change(host) { $0.isSilent = true }
        await watching.look()
        let before = watching.board
        #expect(!lines(watching).contains { $0.hasPrefix("!! ") })
        try fixture.fleet.change(host) { $0.isSilent = false }
        await watching.look()
        #expect(LiveChanges(from: before, to: watching.board).lines.contains("!! " + Self.isUnheld))
        await watching.look()
        #expect(lines(watching).filter { $0.hasPrefix("!! ") } == ["!! " + Self.isUnheld])
        #expect(watching.board.ending == nil)
        // Who goes on with it may be gone, too.
        try journal.setEpoch(FencingEpoch(2), of: try #require(RunID("1-model")))
        await watching.look()
        #expect(lines(watching).count { $0.hasPrefix("!! ") } == 2)
    }

    @Test(
        "a run that has told nothing yet has no leases to miss, and one that has is told of while it is watched"
    )
    func unheldYet() async throws {
        let fixture = try RunFixture()
        let journal = try fixture.openJournal()
        try await fixture.journalRun("1-model", upTo: nil, journal)
        let watching = Watching(fixture.plan, through: fixture.fleet, timing: fixture.clock.timing)
        let work = Task { await watching.work() }
        for _ in 1...3 { await fixture.clock.advance(by: .seconds(2), asSoonAs: 2) }
        await fixture.clock.advance(by: .zero, asSoonAs: 2)
        #expect(!lines(watching).contains { $0.hasPrefix("!! ") })
        let started = RunEvent(.runStarted(message: ""), at: 1, run: "1-model")
        _ = try journal.keep([started], of: try #require(RunID("1-model")))
        for _ in 1...4 { await fixture.clock.advance(by: .seconds(2), asSoonAs: 2) }
        await fixture.clock.advance(by: .zero, asSoonAs: 2)
        #expect(lines(watching).count { $0.hasPrefix("!! ") } == 1)
        work.cancel()
        await work.value
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
