import ArgumentParser
import ControlProtocol
import Fleet
import Journal
import Procedure
import Settings
import SystemCalls

/// Holds the journal and every agent's lease while a run goes one way or the other.
struct Conductor {
    let plan: MigrationPlan
    let options: RunOptions
    let fleet: AgentFleet
    let ensembles = EnsembleClients(log: options.logging.logger)
    let journal: SQLiteJournal
    let timing = Timing.system

    init(_ options: RunOptions) throws {
        self.options = options
        plan = try PlanReader.read(path: options.file)
        StopSignal.install()
        fleet = try AgentFleet(plan: plan, log: options.logging.logger, warn: Output.warn)
        journal = try SQLiteJournal(path: plan.journalPath, exclusively: true)
    }

    /// `prepare` gives the record to go on with; what it throws is told, and nothing is changed.
    func perform(
        _ course: Runner.Course,
        _ prepare: (FencingEpoch) async throws -> RunRecord
    ) async throws {
        let leases = Leases(hosts: plan.agents.map(\.host), fleet: fleet, timing: timing)
        let epoch: FencingEpoch
        do {
            epoch = try await leases.nextEpoch()
        } catch {
            if course == .forward { try await tellAll() }
            throw error
        }
        let run = try await prepare(epoch)
        let lease = Lease(runID: run.id, epoch: epoch)
        try await leases.acquire(lease, takeOver: options.takeOver)
        try journal.setEpoch(epoch, of: run.id)

        let runner = try Runner(
            plan: plan,
            run: run,
            course: course,
            fleet: fleet,
            ensembles: ensembles,
            journal: journal,
            timing: timing,
            report: try options.reporter(),
            confirm: { question in await options.confirmed(question) },
            stopRequest: { StopSignal.request }
        )
        let outcome = try await leases.renewing(lease) { try await runner.perform() }
        await leases.release(lease)
        await ensembles.close()
        switch outcome {
        case .finished: return
        case .stopped: throw ExitCode(1)
        }
    }

    /// Before a new run an agent that does not answer is one of the things that are wrong, and all of them are told.
    private func tellAll() async throws {
        guard try unfinished(FencingEpoch(0)) == nil else { return }
        let survey = await Survey.take(of: plan, through: fleet)
        let findings = await Preflight(plan: plan, survey: survey)
            .findings(through: fleet, ensembles, timing: timing)
        let failed = findings.filter { $0.verdict == .fail }
        guard !failed.isEmpty else { return }
        throw Complaint("nothing was begun:\n" + failed.map(\.sentence).joined(separator: "\n"))
    }

    /// The unfinished run of this plan that has changed something, with what its journal says of it.
    func unfinished(_ epoch: FencingEpoch) throws -> (run: RunRecord, history: RunHistory)? {
        guard var run = try journal.unfinishedRun(plan: plan.name) else { return nil }
        let history = RunHistory(try journal.entries(of: run.id))
        guard history.hasActed else { return nil }
        guard run.planDigest == plan.digest else {
            throw Complaint(
                "\(options.file): changed since run \(run.id) began, which has not finished; put back the file as it was"
            )
        }
        run.epoch = epoch
        return (run, history)
    }
}
