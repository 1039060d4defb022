import ControlProtocol
import Fleet
import FoundationEssentials
import Journal
import Procedure
import Settings
import Synchronization
import TestSupport
import Testing

@testable import Commands

/// A plan, its agents, a journal on disk and an operator who answers as the test says.
struct RunFixture {
    let folder: TemporaryFolder
    let plan: MigrationPlan
    let fleet: AgentsDouble
    let clock = ManualClock()

    init() throws {
        folder = try TemporaryFolder()
        let servers = { (ids: ClosedRange<Int>, letter: String) in
            ids.map { "    - {id: \($0), host: \(letter)\($0), address: 198.51.100.\(10 + $0)}\n" }.joined()
        }
        let text =
            "version: 1\nname: model\npki: {directory: ./pki, coordinator: test}\n"
            + "source:\n  servers:\n\(servers(1...3, "s"))destination:\n  servers:\n\(servers(4...6, "d"))"
        plan = try PlanReader.read(path: try folder.write(text, to: "plan.yaml"))
        fleet = AgentsDouble(plan: plan)
    }

    var planText: String {
        get throws { String(decoding: try Data(contentsOf: URL(filePath: plan.file)), as: UTF8.self) }
    }

    func openJournal() throws -> SQLiteJournal {
        try SQLiteJournal(path: plan.journalPath, exclusively: true)
    }

    func conductor(
        _ journal: any RunArchive,
        plan: MigrationPlan? = nil,
        takeOver: Bool = false,
        acceptance: String? = nil,
        confirm: @escaping @Sendable (String) async -> Bool = { _ in false },
        report: @escaping @Sendable (RunEvent) -> Void = { _ in }
    ) -> Conductor {
        let fleet = fleet
        return Conductor(
            plan: plan ?? self.plan,
            takeOver: takeOver,
            acceptance: acceptance,
            fleet: fleet,
            ensembles: NoEnsembles(),
            journal: journal,
            timing: clock.timing,
            report: report,
            confirm: confirm,
            stopRequest: { .none },
            close: { fleet.close() }
        )
    }

    /// Journals a run that has come through every step before `last`, and through that one too if it is so asked.
    func journalRun(_ id: String, upTo last: StepID?, _ journal: SQLiteJournal) async throws {
        let run = RunRecord(
            id: try #require(RunID(id)),
            plan: plan.name,
            planDigest: plan.digest,
            startedAt: 0,
            survey: await Survey.take(of: plan, through: fleet),
            epoch: FencingEpoch(1)
        )
        try journal.begin(run)
        let steps = MigrationProcedure(plan: plan, survey: run.survey).stages.flatMap(\.steps).map(\.id)
        let host = try #require(plan.source.first).host
        for step in steps.prefix(while: { $0 != last }) {
            let commands = [HostCommand(host, .removeWall)]
            try journal.intent(step, attempt: 1, commands: commands, at: 0, of: run.id)
            try journal.verdict(step, attempt: 1, .done(observed: "seen"), at: 1, of: run.id)
        }
    }

    /// What a run comes to that asks a question first: everything before the division is done.
    var firstOfDivision: StepID {
        get async throws {
            let survey = await Survey.take(of: plan, through: fleet)
            let stages = MigrationProcedure(plan: plan, survey: survey).stages
            return try #require(stages.first { $0.confirmation != nil }?.steps.first).id
        }
    }
}

/// A journal whose nth call of a kind fails.
final class FaultyJournal: RunArchive {
    enum Call: Hashable, Sendable {
        case setEpoch
        case entries
        case end
        case keepEvents
    }

    private let base: SQLiteJournal
    private let call: Call
    private let number: Int
    private let calls = Mutex<[Call: Int]>([:])

    init(_ base: SQLiteJournal, fails call: Call, number: Int = 1) {
        self.base = base
        self.call = call
        self.number = number
    }

    static let reason = "the disk is full"

    private func note(_ made: Call) throws(JournalError) {
        let count = calls.withLock { calls in
            calls[made, default: 0] += 1
            return calls[made, default: 0]
        }
        if made == call, count == number { throw .unusable(path: "journal", reason: Self.reason) }
    }

    func unfinishedRun(plan name: String) throws(JournalError) -> RunRecord? {
        try base.unfinishedRun(plan: name)
    }
    func runs() throws(JournalError) -> [(record: RunRecord, ending: RunEnding?, endedAt: Int64?)] {
        try base.runs()
    }
    func beginning(of run: RunID) throws(JournalError) -> ChainBeginning? { try base.beginning(of: run) }
    func begin(_ run: RunRecord) throws(JournalError) { try base.begin(run) }
    func setEpoch(_ epoch: FencingEpoch, of run: RunID) throws(JournalError) {
        try note(.setEpoch)
        try base.setEpoch(epoch, of: run)
    }
    func intent(_ step: StepID, attempt: Int, commands: [HostCommand], at: Int64, of run: RunID)
        throws(JournalError)
    { try base.intent(step, attempt: attempt, commands: commands, at: at, of: run) }
    func verdict(_ step: StepID, attempt: Int, _ verdict: StepVerdict, at: Int64, of run: RunID)
        throws(JournalError)
    { try base.verdict(step, attempt: attempt, verdict, at: at, of: run) }
    func remember(_ facts: RunFacts, of run: RunID) throws(JournalError) { try base.remember(facts, of: run) }
    func end(_ run: RunID, _ ending: RunEnding, at: Int64) throws(JournalError) {
        try note(.end)
        try base.end(run, ending, at: at)
    }
    func keep(_ output: StepOutput, of run: RunID) throws(JournalError) { try base.keep(output, of: run) }
    func keep(_ events: [RunEvent], of run: RunID) throws(JournalError) -> Bool {
        try note(.keepEvents)
        return try base.keep(events, of: run)
    }
    func events(of run: RunID) throws(JournalError) -> [RunEvent] { try base.events(of: run) }
    func entries(of run: RunID) throws(JournalError) -> [JournalEntry] {
        try note(.entries)
        return try base.entries(of: run)
    }
}
