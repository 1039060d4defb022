import ArgumentParser
import ControlProtocol
import Fleet
import Journal
import Procedure
import Settings
import Synchronization
import TestSupport
import Testing

@testable import Commands

@Suite("The conductor of a run", .timeLimit(.minutes(10)))
struct ConductorTests {
    @Test("a run to its end holds every agent's lease, under an epoch above all, and gives it back")
    func wholeRun() async throws {
        let fixture = try RunFixture()
        try fixture.fleet.change("s2") { $0.epoch = 7 }
        let journal = try fixture.openJournal()
        try await fixture.journalRun("r1", upTo: nil, journal)
        try await fixture.conductor(journal).perform(.forward)

        let lease = Lease(runID: try #require(RunID("r1")), epoch: FencingEpoch(8))
        let hosts = Set(fixture.plan.agents.map(\.host))
        let acquired = fixture.fleet.calls.prefix(hosts.count)
        #expect(Set(acquired) == Set(hosts.map { .acquire($0, lease, takeOver: false) }))
        #expect(Set(fixture.fleet.calls.suffix(hosts.count)) == Set(hosts.map { .release($0, lease) }))
        #expect(fixture.fleet.calls.count == 2 * hosts.count)
        #expect(fixture.fleet.isClosed)
        let record = try #require(try journal.runs().first)
        #expect(record.record.epoch == FencingEpoch(8))
        #expect(record.ending == .finished)
    }

    @Test("the lease is renewed while the operator thinks, and given back after a no")
    func renewed() async throws {
        let fixture = try RunFixture()
        let journal = try fixture.openJournal()
        try await fixture.journalRun("r1", upTo: try await fixture.firstOfDivision, journal)
        let (clock, fleet) = (fixture.clock, fixture.fleet)
        let count = fixture.plan.agents.count
        let conductor = fixture.conductor(journal) { question in
            #expect(question.hasPrefix("Next is the division."), "\(question)")
            await clock.advance(by: .seconds(19))
            #expect(fleet.calls.count == count)
            for renewals in 1...3 {
                await clock.advance(by: .seconds(20))
                while fleet.calls.count < count * (renewals + 1) { await Task.yield() }
            }
            return false
        }
        await #expect(throws: ExitCode(1)) { try await conductor.perform(.forward) }
        #expect(fleet.calls.count == count * 5)
        #expect(fleet.leases.isEmpty && fleet.isClosed)
        #expect(try journal.runs().map(\.ending) == [.stopped])
    }

    @Test(
        "a run with an end before the division asks nothing, gives the leases back and succeeds; the next one goes on"
    )
    func resting() async throws {
        let fixture = try RunFixture()
        let journal = try fixture.openJournal()
        try await fixture.journalRun("r1", upTo: try await fixture.firstOfDivision, journal)
        var conductor = fixture.conductor(journal) { question in
            Issue.record("asked: \(question)")
            return false
        }
        for resting in [RestingPoint.after(.join), .before(.division)] {
            conductor.resting = resting
            try await conductor.perform(.forward)
            #expect(fixture.fleet.leases.isEmpty)
            #expect(try journal.runs().map(\.ending) == [.stopped])
        }
        conductor.resting = .before(.repoint)
        await #expect(throws: Complaint.self) { try await conductor.perform(.forward) }
    }

    @Test(
        "no agent keeps the lease when the journal cannot be written or read",
        arguments: [(FaultyJournal.Call.setEpoch, 1), (.entries, 2), (.end, 1)]
    )
    func journalFails(call: FaultyJournal.Call, number: Int) async throws {
        let fixture = try RunFixture()
        let base = try fixture.openJournal()
        try await fixture.journalRun("r1", upTo: try await fixture.firstOfDivision, base)
        let journal = FaultyJournal(base, fails: call, number: number)
        await #expect(throws: JournalError.unusable(path: "journal", reason: FaultyJournal.reason)) {
            try await fixture.conductor(journal).perform(.forward)
        }
        #expect(fixture.fleet.calls.count == 2 * fixture.plan.agents.count)
        #expect(fixture.fleet.leases.isEmpty && fixture.fleet.isClosed)
    }

    @Test("after an error the journal is free for the next coordinator")
    func journalIsFree() async throws {
        let fixture = try RunFixture()
        func fail() async throws {
            let base = try fixture.openJournal()
            try await fixture.journalRun("r1", upTo: nil, base)
            let journal = FaultyJournal(base, fails: .setEpoch)
            await #expect(throws: JournalError.self) {
                try await fixture.conductor(journal).perform(.forward)
            }
        }
        try await fail()
        let journal = try fixture.openJournal()
        try await fixture.conductor(journal).perform(.forward)
        #expect(try journal.runs().map(\.ending) == [.finished])
    }

    @Test("another run's lease is respected: what was granted is given back, and the holder keeps its own")
    func held() async throws {
        let fixture = try RunFixture()
        let other = Lease(runID: try #require(RunID("other")), epoch: FencingEpoch(3))
        try fixture.fleet.change("d5") {
            $0.lease = other
            $0.epoch = 3
        }
        let journal = try fixture.openJournal()
        try await fixture.journalRun("r1", upTo: nil, journal)
        let host = try HostName.parsed("d5")
        do {
            try await fixture.conductor(journal).perform(.forward)
            Issue.record("it went on")
        } catch let error as FleetError {
            guard case .refused(host, .leaseHeld) = error else { throw error }
        }
        #expect(fixture.fleet.leases == [host: other])
        #expect(try journal.runs().map(\.ending) == [nil])
        #expect(fixture.fleet.isClosed)

        try await fixture.conductor(journal, takeOver: true).perform(.forward)
        let lease = Lease(runID: try #require(RunID("r1")), epoch: FencingEpoch(5))
        #expect(fixture.fleet.calls.contains(.acquire(host, lease, takeOver: true)))
        #expect(fixture.fleet.leases.isEmpty)
        #expect(try journal.runs().map(\.ending) == [.finished])
    }

    @Test(
        "leases of a run that was cut off before it changed anything are taken by the next, but not while another has one"
    )
    func leftLeases() async throws {
        let fixture = try RunFixture()
        let base = try fixture.openJournal()
        try await fixture.journalRun("r1", upTo: "preflight.checks", base)
        // The first thing that one who has the leases does with the journal.
        let journal = FaultyJournal(base, fails: .setEpoch)
        let conductor = fixture.conductor(journal)
        #expect(try await conductor.runThatLeftLeases() == nil)
        let left = Lease(runID: try #require(RunID("r1")), epoch: FencingEpoch(3))
        for agent in fixture.plan.agents {
            try fixture.fleet.change(agent.host.description) { ($0.lease, $0.epoch) = (left, 3) }
        }
        let other = Lease(runID: try #require(RunID("other")), epoch: FencingEpoch(3))
        try fixture.fleet.change("d5") { $0.lease = other }
        await #expect(throws: FleetError.self) { try await conductor.perform(.forward) }
        let host = try HostName.parsed("d5")
        #expect(fixture.fleet.leases[host] == other)

        try fixture.fleet.change("d5") { $0.lease = left }
        // A run is named by its second.
        await fixture.clock.advance(by: .seconds(1), asSoonAs: 0)
        await #expect(throws: JournalError.self) { try await conductor.perform(.forward) }
        let taken = fixture.fleet.calls.contains { call in
            if case .acquire(host, let lease, takeOver: true) = call {
                lease.runID != left.runID
            } else {
                false
            }
        }
        #expect(taken && fixture.fleet.leases.isEmpty)
    }

    @Test("each coordinator gets a higher epoch than the one before")
    func epochs() async throws {
        let fixture = try RunFixture()
        let journal = try fixture.openJournal()
        try await fixture.journalRun("r1", upTo: try await fixture.firstOfDivision, journal)
        for epoch in 1...3 {
            await #expect(throws: ExitCode(1)) { try await fixture.conductor(journal).perform(.forward) }
            #expect(try journal.runs().map(\.record.epoch) == [FencingEpoch(UInt64(epoch))])
        }
    }

    @Test("with an agent that is silent nothing is asked of the others")
    func silentAgent() async throws {
        let fixture = try RunFixture()
        try fixture.fleet.change("s3") { $0.isSilent = true }
        let journal = try fixture.openJournal()
        try await fixture.journalRun("r1", upTo: try await fixture.firstOfDivision, journal)
        let error = FleetError.broken(host: try HostName.parsed("s3"), reason: "nobody is there")
        await #expect(throws: error) { try await fixture.conductor(journal).perform(.forward) }
        #expect(fixture.fleet.calls.isEmpty && fixture.fleet.isClosed)
    }

    @Test("what a run stopped at is accepted of that step alone, and only when that was a proof")
    func accepting() async throws {
        let fixture = try RunFixture()
        let journal = try fixture.openJournal()
        try await fixture.journalRun("r1", upTo: "proof.compare", journal)
        var run = try #require(try journal.unfinishedRun(plan: "model"))
        let conductor = fixture.conductor(journal, acceptance: "a test client")
        await expect(complaining: "--accept: run r1 did not stop at a smoke test") {
            _ = try conductor.accepting(run)
        }

        try journal.intent("proof.compare", attempt: 1, commands: [], at: 2, of: run.id)
        run.facts.proofs["proof.compare"] = .init(at: 3, answer: ProofAnswer(.refuted, "DIFFERENT"))
        try journal.remember(run.facts, of: run.id)
        try journal.verdict("proof.compare", attempt: 1, .failed(reason: "DIFFERENT"), at: 3, of: run.id)
        run = try #require(try journal.unfinishedRun(plan: "model"))
        #expect(try conductor.accepting(run).facts.accepted == ["proof.compare": "a test client"])
        #expect(try fixture.conductor(journal).accepting(run) == run)

        try journal.intent("clean-up.remove-rules", attempt: 1, commands: [], at: 4, of: run.id)
        try journal.verdict(
            "clean-up.remove-rules",
            attempt: 1,
            .failed(reason: "d4 is silent"),
            at: 5,
            of: run.id
        )
        await expect(complaining: "--accept: run r1 did not stop at a smoke test") {
            _ = try conductor.accepting(run)
        }
    }

    @Test(
        "a run that is being withdrawn goes neither forward nor to joint; withdrawn, it is over and the next one is another"
    )
    func withdrawing() async throws {
        let fixture = try RunFixture()
        let journal = try fixture.openJournal()
        let run = try #require(RunID("r1"))
        try await fixture.journalRun("r1", upTo: try await fixture.firstOfDivision, journal)
        let steps: [StepID] = ["withdraw.possible", "withdraw.proof"]
        for (index, step) in steps.enumerated() {
            try journal.intent(step, attempt: 1, commands: [], at: 2, of: run)
            try journal.verdict(step, attempt: 1, .done(observed: "seen"), at: 3, of: run)
            guard index == 0 else { continue }
            await expect(complaining: "run r1 is on the way back to what was before it") {
                try await fixture.conductor(journal).perform(.forward)
            }
            await expect(complaining: "run r1 is withdrawing, not dividing: nothing is to be taken back") {
                try await fixture.conductor(journal).perform(.back(to: .joint))
            }
            #expect(
                try await fixture.conductor(journal).runToPerform(.back(to: .untouched), FencingEpoch(2)).id
                    == run
            )
        }
        // Also when its coordinator died before it could write down how it ended.
        for ending in [nil, RunEnding.withdrawn] {
            if let ending { try journal.end(run, ending, at: 4) }
            await expect(complaining: "plan model has no unfinished run that changed anything") {
                try await fixture.conductor(journal).perform(.back(to: .untouched))
            }
            let next = try await fixture.conductor(journal).runToPerform(.forward, FencingEpoch(2))
            #expect(next.id != run)
            try journal.end(next.id, .stopped, at: 5)
            await fixture.clock.advance(by: .seconds(1), asSoonAs: 0)
        }
        #expect(fixture.fleet.calls.isEmpty)
    }

    @Test("a plan file that changed since its run began is refused, and so is a run that has finished")
    func refusals() async throws {
        let fixture = try RunFixture()
        let journal = try fixture.openJournal()
        await expect(complaining: "plan model has no unfinished run that changed anything") {
            try await fixture.conductor(journal).perform(.back(to: .joint))
        }
        try await fixture.journalRun("r1", upTo: try await fixture.firstOfDivision, journal)
        _ = try fixture.folder.write(try fixture.planText + "# one more line\n", to: "plan.yaml")
        let changed = try PlanReader.read(path: fixture.plan.file)
        let refusal =
            "\(changed.file): changed since run r1 began, which has not finished; put back the file as it was"
        // A journal without the plan's text can say no more.
        await expect(complaining: refusal) {
            try await fixture.conductor(journal, plan: changed).perform(.forward)
        }
        let record = try #require(try journal.unfinishedRun(plan: "model"))
        let text = try fixture.planText.replacing("# one more line\n", with: "")
        #expect(try RecordedPlan(behind: changed, in: journal) == nil)
        try journal.openChain(ChainBeginning(record, planText: text, inventoryText: nil))
        let wayOut = "; or `mitosis rollback \(changed.file)`, which goes by the plan as it was"
        await expect(
            complaining: refusal + wayOut + ":\n--- \(changed.file)\n",
            containing: "\n+# one more line\n"
        ) {
            try await fixture.conductor(journal, plan: changed).perform(.forward)
        }
        await expect(complaining: "run r1 is joint, not dividing: ") {
            try await fixture.conductor(journal).perform(.back(to: .joint))
        }
        try journal.end(try #require(RunID("r1")), .finished, at: 2)
        await expect(complaining: "run r1 of plan model has finished, nothing is left to do") {
            try await fixture.conductor(journal).perform(.forward)
        }
        #expect(fixture.fleet.calls.isEmpty)
    }
}

/// What is thrown is a complaint that begins so, and holds the text.
func expect(
    complaining beginning: String,
    containing text: String = "",
    sourceLocation: SourceLocation = #_sourceLocation,
    _ body: () async throws -> Void
) async {
    do {
        try await body()
        Issue.record("nothing was thrown", sourceLocation: sourceLocation)
    } catch let complaint as Complaint {
        let said = complaint.description
        #expect(said.hasPrefix(beginning) && said.contains(text), sourceLocation: sourceLocation)
    } catch {
        Issue.record(error, sourceLocation: sourceLocation)
    }
}
