import ControlProtocol
package import Planning

/// Turns the run machine's actions into effects: observes, journals, sends commands, reports.
package struct Runner: Sendable {
    /// Seconds; renewed every third of it.
    static let leaseSeconds = 60

    /// What is left of the procedure, with what has to be renewed first.
    let stages: [Stage]
    let done: Set<StepID>
    let begun: Set<StepID>
    let entries: [JournalEntry]
    let run: RunRecord
    let hosts: [HostName]
    let fleet: any Fleet
    let journal: any RunJournal
    let timing: Timing
    let report: @Sendable (RunEvent) -> Void
    let confirm: @Sendable (String) async -> Bool
    let stopRequest: @Sendable () -> StopRequest

    package enum Outcome: Hashable, Sendable {
        case finished(milliseconds: Int)
        case stopped(reason: String)
    }

    package init(
        plan: MigrationPlan,
        run: RunRecord,
        fleet: any Fleet,
        journal: any RunJournal,
        timing: Timing,
        report: @escaping @Sendable (RunEvent) -> Void,
        confirm: @escaping @Sendable (String) async -> Bool,
        stopRequest: @escaping @Sendable () -> StopRequest
    ) throws(JournalError) {
        let procedure = ParticipantsProcedure(plan: plan, survey: run.survey)
        let entries = try journal.entries(of: run.id)
        let begun = Set(entries.map(\.step))
        var done = Set(entries.filter { if case .done = $0.verdict { true } else { false } }.map(\.step))
        let renewal = procedure.renewal(done: done, begun: begun)
        if let renewal {
            done.subtract(renewal.steps.map(\.id))
            if renewal.steps.contains(where: { $0.id == "renewal.joint-files" }) {
                done.remove("division.restore-files")
            }
        }
        if !begun.contains("division.split") { done.remove("division.kafka") }
        self.entries = entries
        self.begun = begun
        self.done = done
        stages = (renewal.map { [$0] } ?? []) + procedure.stages
        hosts = plan.agents.map(\.host)
        self.run = run
        self.fleet = fleet
        self.journal = journal
        self.timing = timing
        self.report = report
        self.confirm = confirm
        self.stopRequest = stopRequest
    }

    /// Runs what the journal does not show as done.
    ///
    /// The caller holds the leases for `run.epoch`.
    package func perform() async throws(JournalError) -> Outcome {
        var progress = RunProgress(runner: self, facts: run.facts, entries: entries)
        var machine = RunMachine(stages: stages, done: done, begun: begun)
        let started = timing.monotonic()
        event(done.isEmpty ? .runStarted : .runResumed, message: "\(done.count) steps were done before")

        var action = machine.handle(.begin)
        while true {
            if stopRequest() != .none { _ = machine.handle(.stopAsked) }
            switch action {
            case .finish:
                progress.leaveStage()
                try journal.end(run.id, .finished, at: timing.now())
                let milliseconds = (timing.monotonic() - started).milliseconds
                event(.runFinished, message: "finished", milliseconds: milliseconds)
                return .finished(milliseconds: milliseconds)
            case .stop(let reason):
                try journal.end(run.id, .stopped, at: timing.now())
                event(.runStopped, step: progress.step?.id.description, message: reason)
                return .stopped(reason: reason)
            case .nothing:
                return .stopped(reason: "internal: the run has nothing to do; please report this")
            case .confirm(let stage):
                let question = stages[stage].confirmation ?? ""
                event(.confirmationNeeded, stage: stages[stage].name, message: question)
                action = machine.handle(await confirm(question) ? .confirmed : .declined)
            case .precheck(let position):
                progress.enter(position)
                action = machine.handle(await progress.precheck())
            case .decide: action = machine.handle(await progress.decide())
            case .recordIntent:
                try progress.recordIntent()
                action = machine.handle(.recorded)
            case .act: action = machine.handle(await progress.act())
            case .verify: action = machine.handle(await progress.verify())
            case .recordVerdict(_, let verdict):
                try progress.recordVerdict(verdict)
                action = machine.handle(.recorded)
            }
        }
    }

    func event(
        _ kind: RunEvent.Kind,
        stage: String? = nil,
        step: String? = nil,
        title: String? = nil,
        message: String? = nil,
        milliseconds: Int? = nil
    ) {
        report(
            RunEvent(
                kind,
                at: timing.now(),
                run: run.id.description,
                stage: stage,
                step: step,
                title: title,
                message: message,
                milliseconds: milliseconds
            )
        )
    }
}

extension Duration {
    package var milliseconds: Int {
        let (seconds, attoseconds) = components
        return Int(seconds) * 1000 + Int(attoseconds / 1_000_000_000_000_000)
    }
}
