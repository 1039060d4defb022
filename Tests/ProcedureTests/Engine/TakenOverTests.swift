import ControlProtocol
import Fleet
import FoundationEssentials
import Journal
import Procedure
import Settings
import TestSupport
import Testing

/// A run whose coordinator dies after a step, taken over from what hosts keep of it.
@Suite("A run that another coordinator takes over", .timeLimit(.minutes(10)))
struct TakenOverTests {
    @Test(
        "the restored journal says what the lost one said, and the run comes to its end with nothing lost",
        arguments: [
            "join.write-seeds", "division.detach", "division.split", "division.start", "return.roll-source-1",
        ] as [StepID]
    )
    func takenOver(after step: StepID) async throws {
        let folder = try TemporaryFolder()
        let plan = try Fixture.plan(source: 3, destination: 3)
        let fleet = ModelFleet(plan: plan)
        let lost = try SQLiteJournal(path: folder.path + "/lost.sqlite", exclusively: true)
        let record = try await Fixture.record(plan, fleet)
        let steps = MigrationProcedure(plan: plan, survey: record.survey).stages.flatMap(\.steps)
        let last = steps.first { $0.id == step } ?? steps[steps.count / 3]
        try lost.begin(record)
        try lost.openChain(ChainBeginning(record, planText: "text", inventoryText: nil))
        await #expect(throws: JournalError.self) {
            _ = try await Fixture.perform(plan, record, fleet, DyingJournal(lost, after: last.id))
        }

        let links = try lost.chain(of: record.id)
        let hosts = plan.servers.map(\.host)
        let answers = Dictionary(hosts.map { ($0, ChainAnswer.held(links: links)) }) { first, _ in first }
        var run = try ChainedRun(ChainBelief(of: hosts, answers).links)
        #expect(run.record.survey == record.survey.withoutContents)
        #expect(record.survey.files.allSatisfy { !$0.content.isEmpty })
        for link in links {
            for file in record.survey.files {
                #expect(link.content.firstRange(of: Data(file.content.base64EncodedString().utf8)) == nil)
            }
        }
        run.complete(with: record.survey)
        let journal = try SQLiteJournal(path: folder.path + "/restored.sqlite", exclusively: true)
        try journal.restore(run, links)
        #expect(try journal.unfinishedRun(plan: plan.name) == lost.unfinishedRun(plan: plan.name))
        let (entries, before) = (try journal.entries(of: record.id), try lost.entries(of: record.id))
        #expect(entries.map(\.verdict) == before.map(\.verdict))
        #expect(entries.map(\.step) == before.map(\.step) && entries.map(\.attempt) == before.map(\.attempt))
        #expect(entries.map(\.commands.count) == before.map(\.commands.count))
        #expect(RunHistory(entries).done == RunHistory(before).done)
        #expect(RunHistory(entries).passed == RunHistory(before).passed)
        #expect(RunHistory(entries).standing == RunHistory(before).standing)
        #expect(try journal.chain(of: record.id) == links)
        #expect(throws: JournalError.self) { try journal.restore(run, links) }

        var next = try #require(try journal.unfinishedRun(plan: plan.name))
        next.epoch = FencingEpoch(2)
        try journal.setEpoch(next.epoch, of: next.id)
        let outcome = try await Fixture.perform(plan, next, fleet, journal)
        let isFinished = outcome.isFinished
        #expect(isFinished, "\(outcome)")
        #expect(fleet.model.violations.isEmpty)
        let whole = try ChainedRun(try journal.chain(of: record.id))
        #expect(whole.ending == .finished)
        #expect(whole.entries.map(\.verdict) == (try journal.entries(of: record.id)).map(\.verdict))
        #expect(whole.record.facts == (try journal.runs().first)?.record.facts)
    }
}

/// Refuses every write after this step's verdict.
private struct DyingJournal: RunJournal {
    private let base: SQLiteJournal
    private let last: StepID

    init(_ base: SQLiteJournal, after last: StepID) {
        self.base = base
        self.last = last
    }

    private func check(_ run: RunID) throws(JournalError) {
        let isOver = try base.entries(of: run).contains { $0.step == last && $0.verdict != nil }
        if isOver { throw .unusable(path: "journal", reason: "died here") }
    }

    func unfinishedRun(plan name: String) throws(JournalError) -> RunRecord? {
        try base.unfinishedRun(plan: name)
    }
    func begin(_ run: RunRecord) throws(JournalError) { try base.begin(run) }
    func setEpoch(_ epoch: FencingEpoch, of run: RunID) throws(JournalError) {
        try base.setEpoch(epoch, of: run)
    }
    func intent(_ step: StepID, attempt: Int, commands: [HostCommand], at: Int64, of run: RunID)
        throws(JournalError)
    {
        try check(run)
        try base.intent(step, attempt: attempt, commands: commands, at: at, of: run)
    }
    func verdict(_ step: StepID, attempt: Int, _ verdict: StepVerdict, at: Int64, of run: RunID)
        throws(JournalError)
    {
        try check(run)
        try base.verdict(step, attempt: attempt, verdict, at: at, of: run)
    }
    func remember(_ facts: RunFacts, of run: RunID) throws(JournalError) {
        try check(run)
        try base.remember(facts, of: run)
    }
    func end(_ run: RunID, _ ending: RunEnding, at: Int64) throws(JournalError) {
        try check(run)
        try base.end(run, ending, at: at)
    }
    func entries(of run: RunID) throws(JournalError) -> [JournalEntry] { try base.entries(of: run) }
    func keep(_ output: StepOutput, of run: RunID) throws(JournalError) { try base.keep(output, of: run) }
}
