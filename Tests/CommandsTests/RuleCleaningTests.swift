import ControlProtocol
import Fleet
import Journal
import Procedure
import Reporting
import Settings
import TestSupport
import Testing

@testable import Commands

@Suite("Cleaning a plan's hosts of rules", .timeLimit(.minutes(10)))
struct RuleCleaningTests {
    private static let cleaned = ["s1", "s2", "s3", "d4", "d5", "d6"].map { "\($0): clean; 4 rules removed" }

    private static func clean(
        _ fixture: CleaningFixture,
        _ journal: any RunArchive,
        force: Bool = false
    ) async throws -> CleaningFixture.Told {
        try await fixture.clean(.plan(fixture.run.plan), journal, force: force)
    }

    @Test("every host's rules go, under leases that are given back")
    func clean() async throws {
        let fixture = try CleaningFixture()
        try fixture.fleet.change("d4") { $0.epoch = 11 }
        let told = try await Self.clean(fixture, try fixture.run.openJournal())
        #expect(told.lines == Self.cleaned && RuleCleaning.isClean(told.board))
        #expect(fixture.fleet.rules == 0 && fixture.fleet.leases.isEmpty)
        for (host, epoch) in [("s1", 1), ("d4", 12)] {
            let run = try #require(RunID("rules-clean-0-model"))
            let lease = Lease(runID: run, epoch: FencingEpoch(UInt64(epoch)))
            #expect(
                fixture.fleet.calls.contains(.acquire(try HostName.parsed(host), lease, takeOver: false))
            )
        }
    }

    @Test("a host whose epoch cannot be is named, and what it says counts for no other host")
    func liar() async throws {
        let fixture = try CleaningFixture()
        try fixture.fleet.change("d4") { $0.epoch = FencingEpoch.highest.value }
        try fixture.fleet.change("s2") { $0.epoch = 11 }
        let told = try await Self.clean(fixture, try fixture.run.openJournal())
        #expect(
            told.lines[3].hasPrefix(
                "d4: not clean: its agent says that it has granted epoch 9007199254740991"
            )
        )
        #expect(told.lines[3].contains("mitosis-agent lease reset"))
        #expect(told.lines.count { $0.hasSuffix("clean; 4 rules removed") } == 5)
        let lease = Lease(runID: try #require(RunID("rules-clean-0-model")), epoch: FencingEpoch(12))
        #expect(fixture.fleet.calls.contains(.acquire(try HostName.parsed("s2"), lease, takeOver: false)))
    }

    @Test("a divided run that has not finished is refused by name, and --force overrides that")
    func dividedRun() async throws {
        let fixture = try CleaningFixture()
        let journal = try fixture.run.openJournal()
        let run = try #require(RunID("r1"))
        try await fixture.run.journalRun("r1", upTo: try await fixture.run.firstOfDivision, journal)
        #expect(try await Self.clean(fixture, journal).lines == Self.cleaned)

        let commands = [HostCommand(try HostName.parsed("d4"), .removeWall)]
        try journal.intent("division.detach", attempt: 1, commands: commands, at: 0, of: run)
        let before = fixture.fleet.calls.count
        let refusal = "run r1 has divided the ensemble and has not finished; go on with `mitosis run`"
        await expect(complaining: refusal) {
            _ = try await Self.clean(fixture, journal)
        }
        #expect(fixture.fleet.calls.count == before)
        #expect(RuleCleaning.isClean(try await Self.clean(fixture, journal, force: true).board))
    }

    @Test("a run that is being withdrawn keeps its rules until it has removed them itself")
    func withdrawnRun() async throws {
        let fixture = try CleaningFixture()
        let journal = try fixture.run.openJournal()
        let run = try #require(RunID("r1"))
        try await fixture.run.journalRun("r1", upTo: try await fixture.run.firstOfDivision, journal)
        try journal.intent("withdraw.possible", attempt: 1, commands: [], at: 0, of: run)
        try journal.verdict("withdraw.possible", attempt: 1, .done(observed: "seen"), at: 1, of: run)
        await expect(complaining: "run r1 is on the way back to what was before it") {
            _ = try await Self.clean(fixture, journal)
        }
        #expect(RuleCleaning.isClean(try await Self.clean(fixture, journal, force: true).board))
    }

    @Test(
        "a host that runs both sides' view is refused, and so are those that are walled off from it; no others"
    )
    func mixedView() async throws {
        let fixture = try CleaningFixture()
        try fixture.fleet.change("d5") {
            $0.view = fixture.run.plan.sourceMembers + fixture.run.plan.destinationMembers
        }
        let journal = try fixture.run.openJournal()
        let told = try await Self.clean(fixture, journal)
        let mixed = "its ZooKeeper does not run, or will not run, its own side's view"
        #expect(
            told.lines == ["s1", "s2", "s3"].map {
                "\($0): refused, nothing was changed: it is walled off from d5, where \(mixed)"
            } + [
                "d4: clean; 4 rules removed", "d5: refused, nothing was changed: \(mixed)",
                "d6: clean; 4 rules removed",
            ]
        )
        #expect(!RuleCleaning.isClean(told.board))
        let forced = try await Self.clean(fixture, journal, force: true)
        #expect(RuleCleaning.isClean(forced.board))
        #expect(forced.lines[4] == "d5: clean; 4 rules removed (forced, although \(mixed))")
    }

    @Test("a silent host is tried again and named, and its walled peers are refused; the others are cleaned")
    func silentHost() async throws {
        let fixture = try CleaningFixture()
        try fixture.fleet.change("s2") { $0.isSilent = true }
        let journal = try fixture.run.openJournal()
        let told = try await Self.clean(fixture, journal)
        #expect(told.pauses.contains("s2: not yet: nobody is there"))
        #expect(told.lines[1] == "s2: not cleaned, no answer: nobody is there")
        #expect([told.lines[0], told.lines[2]] == [Self.cleaned[0], Self.cleaned[2]])
        for line in told.lines[3...] {
            #expect(
                line.hasSuffix(
                    "refused, nothing was changed: it is walled off from s2, and what runs there is not known: nobody is there"
                )
            )
        }
        #expect(fixture.time.now >= .seconds(20))
        let forced = try await Self.clean(fixture, journal, force: true)
        #expect(forced.lines.count { $0.contains(": clean; ") } == 5)
        #expect(forced.lines[1] == told.lines[1] && fixture.fleet.leases.isEmpty)
    }

    @Test("a fleet of which nobody answers is not clean")
    func nobodyAnswers() async throws {
        let fixture = try CleaningFixture()
        for server in fixture.run.plan.servers {
            try fixture.fleet.change(server.host.description) { $0.isSilent = true }
        }
        let told = try await Self.clean(fixture, try fixture.run.openJournal(), force: true)
        #expect(told.lines.count { $0.contains("not cleaned, no answer") } == 6)
        #expect(fixture.fleet.calls.isEmpty)
    }

    @Test("a host that keeps a rule counts, and is not tried again")
    func keptRule() async throws {
        let fixture = try CleaningFixture()
        try fixture.fleet.change("d6") { $0.staying = 1 }
        let told = try await Self.clean(fixture, try fixture.run.openJournal())
        #expect(told.lines.last == "d6: not clean: 1 rules are left; see `mitosis rules list`")
        #expect(fixture.fleet.commands(to: "d6").count == 1)
        #expect(
            CleaningText(json: false).end(told.board)
                == "6 hosts: 5 proven clean, 0 refused, 0 unreachable, 1 failed, 0 stopped\nfailed: d6\n"
        )
    }

    @Test("after a lost reply the same command id is sent again, while the lease is renewed")
    func lostReply() async throws {
        let fixture = try CleaningFixture()
        let clock = fixture.run.clock
        try fixture.fleet.change("d4") { $0.lostReplies = 3 }
        let journal = try fixture.run.openJournal()
        async let cleaned = fixture.clean(.plan(fixture.run.plan), journal, timing: clock.timing)
        let renewals = {
            fixture.fleet.calls.count {
                if case .acquire(let host, _, _) = $0 { host.description == "d4" } else { false }
            } - 1
        }
        // The others are done, and the renewal and the dispatch of this one sleep.
        while fixture.fleet.rules > 0 || fixture.fleet.leases.count > 1 { await Task.yield() }
        await clock.advance(by: .milliseconds(500), asSoonAs: 2)
        while fixture.fleet.commands(to: "d4").count < 2 { await Task.yield() }
        await clock.advance(by: .milliseconds(19_400), asSoonAs: 2)
        while fixture.fleet.commands(to: "d4").count < 3 { await Task.yield() }
        #expect(renewals() == 0)
        await clock.advance(by: .milliseconds(100), asSoonAs: 2)
        while renewals() < 1 { await Task.yield() }
        await clock.advance(by: .milliseconds(400), asSoonAs: 2)
        #expect(try await cleaned.lines == Self.cleaned)
        let commands = fixture.fleet.commands(to: "d4")
        #expect(commands.count == 4 && Set(commands).count == 1)
        #expect(fixture.fleet.leases.isEmpty)
    }

    @Test("a lease that another run holds is respected on its host, unless forced")
    func heldLease() async throws {
        let fixture = try CleaningFixture()
        let other = Lease(runID: try #require(RunID("other")), epoch: FencingEpoch(2))
        try fixture.fleet.change("s1") {
            $0.lease = other
            $0.epoch = 2
        }
        let journal = try fixture.run.openJournal()
        let told = try await Self.clean(fixture, journal)
        #expect(
            told.lines[0]
                == "s1: refused, nothing was changed: run other of test holds this host's lease and may need the wall; "
                + "let it end, or stop it, then repeat"
        )
        #expect(told.lines[1...].allSatisfy { $0.hasSuffix(": clean; 4 rules removed") })
        #expect(fixture.fleet.leases.values.map(\.self) == [other])
        #expect(fixture.fleet.rules == 4)
        #expect(RuleCleaning.isClean(try await Self.clean(fixture, journal, force: true).board))
        #expect(fixture.fleet.leases.isEmpty)
    }
}

extension AgentsDouble {
    /// The ids of the commands that a host got, in their order.
    func commands(to host: String) -> [CommandID] {
        calls.compactMap { call in
            if case .command(let asked, let id, _) = call, asked.description == host { id } else { nil }
        }
    }
}
