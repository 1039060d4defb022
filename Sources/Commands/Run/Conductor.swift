import ArgumentParser
import ControlProtocol
import Fleet
import Journal
import Procedure
import Settings
import SystemCalls

/// Holds the journal and every agent's lease while a run goes one way or the other.
struct Conductor: Sendable {
    let plan: MigrationPlan
    /// That the plan is not as its file has it; nil where it is.
    var planRemark: String?
    let takeOver: Bool
    var resting: RestingPoint?
    /// Why the run goes on although its last proof failed; nil when it shall not.
    let acceptance: String?
    let fleet: any Fleet
    let ensembles: any EnsembleReading
    let journal: any RunArchive
    /// Has agents keep the journal too; nil where nobody could take the run over from them.
    var mirroring: Mirroring?
    /// Probes and looks beside the run; nil where a model runs.
    var companions: Companions?
    let timing: Timing
    let report: @Sendable (RunEvent) -> Void
    let confirm: @Sendable (String) async -> Bool
    let stopRequest: @Sendable () -> StopRequest
    /// Ends what the ensembles' clients hold open; the last thing that is done, whatever happened before.
    let close: @Sendable () async -> Void
    /// Told when a run has ended or stopped, and its journal says so.
    var conclude: @Sendable () -> Void = {}
    /// Told what the run's journal keeps of it from before, if anything.
    var recall: @Sendable ([RunEvent]) -> Void = { _ in }
    /// Told what the run remembers, when a stage begins.
    var remembers: @Sendable (RunFacts) -> Void = { _ in }
    /// Whether agents are told what the run is at.
    var tellsPlace = false

    /// Performs a run, or what is left of it.
    ///
    /// However it ends, no agent keeps the lease. What is thrown before the first step is told, and nothing was changed.
    func perform(_ course: Runner.Course) async throws {
        let result: Result<Ending, any Error>
        do {
            result = .success(try await conduct(course))
        } catch {
            result = .failure(error)
        }
        await close()
        let ending = try result.get()
        conclude()
        switch ending.outcome {
        case .finished where ending.isSplit: throw ExitCode(1)
        case .finished, .rested: return
        case .stopped: throw ExitCode(1)
        }
    }

    private struct Ending {
        let outcome: Runner.Outcome
        /// Whether the journal has writes on the source into what has moved.
        let isSplit: Bool
    }

    private func conduct(_ course: Runner.Course) async throws -> Ending {
        try checkResting()
        let leases = Leases(hosts: plan.agents.map(\.host), fleet: fleet, timing: timing)
        let epoch: FencingEpoch
        do {
            epoch = try await leases.nextEpoch()
        } catch {
            if course == .forward { try await tellAll() }
            throw error
        }
        let holder = try await runThatLeftLeases()
        let run = try accepting(try await runToPerform(course, epoch))
        let left = holder == run.id ? nil : holder
        let lease = Lease(runID: run.id, epoch: epoch)
        let keeping = EventKeeping(journal, of: run.id) { text in
            warn(text, of: run.id, title: "Journal", through: report)
        }
        let places = PlaceTelling(lease, on: plan.agents.map(\.host), through: fleet)
        let tell: @Sendable (RunEvent) -> Void = { event in
            if case .stageStarted = event.what, let facts = factsForVigil(of: run.id) {
                remembers(facts)
                places.take(facts)
            }
            report(event)
            keeping.take(event)
            places.take(event)
        }
        if let planRemark { warn(planRemark, of: run.id, title: "Plan", through: tell) }
        // Nothing is decided by them: a run goes on without.
        do throws(JournalError) { recall(try journal.events(of: run.id)) } catch {
            warn("\(error)", of: run.id, title: "Journal", through: tell)
        }
        // Before any lease is asked for: it would fence whoever has gone on with the run.
        try await mirroring?.checkNobodyWentOn(with: run.id, of: plan)
        if let mirroring, try journal.entries(of: run.id).isEmpty {
            try await mirroring.checkNobodyElseActed(than: run.id, of: plan)
        }
        if let left {
            warn(
                "takes the leases that run \(left) of this journal left, which nobody performs any more",
                of: run.id,
                title: "Leases",
                through: tell
            )
        }
        return try await leases.holding(lease, takeOver: takeOver || left != nil) {
            try await mirroring?.checkNobodyWentOn(with: run.id, of: plan)
            try journal.setEpoch(epoch, of: run.id)
            if acceptance != nil { try journal.remember(run.facts, of: run.id) }
            let mirrored = try mirroring?.begin(run, of: plan, under: lease, timing: timing) { text in
                warn(text, of: run.id, title: "Takeover from another machine", through: tell)
            }
            let vigil = WrongSideVigil(plan, run: run.id, fleet: fleet, timing: timing, report: tell)
            let runner = try Runner(
                plan: plan,
                run: run,
                course: course,
                resting: resting,
                fleet: companions?.fleet ?? fleet,
                ensembles: ensembles,
                journal: mirrored ?? journal,
                timing: timing,
                report: { event in
                    tell(event)
                    vigil.note(event)
                    companions?.note(event, course)
                },
                confirm: confirm,
                stopRequest: {
                    let asked = stopRequest()
                    // On the way back what is seen is told; to stop there helps nobody.
                    guard course == .forward, let companions else { return asked }
                    return companions.stopRequest(asked)
                }
            )
            if RunHistory(try journal.entries(of: run.id)).passed.contains(.destinationLed) { vigil.begin() }
            // Ends, and is waited for, with this scope.
            async let _: Void = vigil.watch { factsForVigil(of: run.id) }
            async let _: Void = keeping.work()
            async let _: Void? = companions?.watch(run: run.id, timing: timing, tell)
            async let _: Void = tellsPlace ? places.work() : ()
            let result: Result<Runner.Outcome, JournalError>
            do throws(JournalError) { result = .success(try await runner.perform()) } catch {
                result = .failure(error)
            }
            await mirrored?.close()
            keeping.flush()
            return Ending(
                outcome: try result.get(),
                isSplit: try course == .forward && !(facts(of: run.id)?.wrongSide.isEmpty ?? true)
            )
        }
    }

    private func facts(of run: RunID) throws(JournalError) -> RunFacts? {
        try journal.runs().first { $0.record.id == run }?.record.facts
    }

    /// Of a journal that can no longer be read the runner tells.
    private func factsForVigil(of run: RunID) -> RunFacts? {
        do throws(JournalError) { return try facts(of: run) } catch { return nil }
    }

    private func warn(
        _ text: String,
        of run: RunID,
        title: String,
        through tell: @Sendable (RunEvent) -> Void
    ) {
        let subject = RunEvent.Subject(title: title)
        tell(RunEvent(.warning(subject, message: text), at: timing.now(), run: run.description))
    }

    private func checkResting() throws {
        guard let resting else { return }
        let names = MigrationProcedure(plan: plan, survey: Survey(files: [])).stages.map(\.name)
        guard !names.contains(resting.stage) else { return }
        throw Complaint(
            "\(plan.file) has no stage \(resting.stage): its stages are "
                + names.map(\.rawValue).joined(separator: ", ")
        )
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
}

extension Conductor {
    /// From the command line: the real fleet, the journal on disk, the operator at the terminal.
    ///
    /// - Parameter goesBack: whether a run that began with another plan than the file is now is performed by that plan.
    init(
        _ options: RunOptions,
        goesBack: Bool = false,
        resting: RestingPoint? = nil,
        accepting acceptance: String? = nil
    ) throws {
        let written = try PlanReader.read(path: options.file, believing: .operator)
        let opened = goesBack ? try SQLiteJournal(path: written.journalPath, exclusively: true) : nil
        let recorded = try opened.flatMap {
            try RecordedPlan(behind: written, in: $0, believing: .operator)
        }
        let plan = recorded?.plan ?? written
        StopSignal.install()
        let log = options.logging.logger
        let credentials = try EnsembleCredentials.read(of: plan, believing: .operator)
        let screen = try options.isLive ? RunScreen(plan, credentials, log: log) : nil
        let warn: @Sendable (String) -> Void = { text in
            if let screen { screen.warn(text) } else { Output.warn(text) }
        }
        let fleet = try AgentFleet(plan: plan, log: log, warn: warn)
        let ensembles = ProvingEnsembles(credentials: credentials, log: log)
        if !options.notify.isEmpty { try Notifier.check(options.notify) }
        let notifier = options.notify.isEmpty ? nil : Notifier(options.notify, warn: warn)
        let tell = try options.reporter(screen)
        let journal = try opened ?? SQLiteJournal(path: plan.journalPath, exclusively: true)
        // Only who has the journal may write over the metrics of a run that goes on.
        let metrics = try options.metrics.map { try MetricsFile($0, plan: plan.name, warn: warn) }
        self.init(
            plan: plan,
            planRemark: recorded?.remark,
            takeOver: options.takeOver,
            resting: resting,
            acceptance: acceptance,
            fleet: fleet,
            ensembles: ensembles,
            journal: journal,
            mirroring: Mirroring(journal: journal, agents: fleet),
            companions: Companions(plan, fleet: fleet, credentials: credentials, timing: .system, log: log),
            timing: .system,
            report: { event in
                tell(event)
                notifier?.take(event)
                metrics?.take(event)
            },
            confirm: { _ in
                guard let screen, !options.yes else { return await options.confirmed() }
                return await screen.asking { await options.confirmed() }
            },
            stopRequest: { StopSignal.request },
            close: {
                await screen?.close()
                await ensembles.close()
                await notifier?.close()
                await metrics?.close()
            },
            conclude: { options.tellOfReport() },
            recall: { screen?.recall($0) },
            remembers: { screen?.take($0) },
            tellsPlace: true
        )
        screen?.begin()
    }
}
