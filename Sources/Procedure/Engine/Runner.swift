import ControlProtocol
package import Fleet
package import Settings
package import SystemCalls

/// Turns the run machine's actions into effects: observes, journals, sends commands, reports.
package struct Runner: Sendable {
    /// What is left of the procedure, with what has to be renewed first.
    let stages: [Stage]
    let done: Set<StepID>
    private let begun: Set<StepID>
    let passed: Set<Milestone>
    let entries: [JournalEntry]
    let course: Course
    let resting: RestingPoint?
    let run: RunRecord
    let hosts: [HostName]
    private let plan: MigrationPlan
    let fleet: any Fleet
    let ensembles: any EnsembleReading
    let journal: any RunJournal
    let timing: Timing
    let report: @Sendable (RunEvent) -> Void
    let confirm: @Sendable (String) async -> Bool
    let stopRequest: @Sendable () -> StopRequest

    package enum Outcome: Hashable, Sendable {
        case finished(milliseconds: Int)
        /// Where the operator wanted it to end.
        case rested(before: StageName, standing: Standing)
        case stopped(reason: String, standing: Standing)
    }

    package init(
        plan: MigrationPlan,
        run: RunRecord,
        course: Course = .forward,
        resting: RestingPoint? = nil,
        fleet: any Fleet,
        ensembles: any EnsembleReading,
        journal: any RunJournal,
        timing: Timing,
        report: @escaping @Sendable (RunEvent) -> Void,
        confirm: @escaping @Sendable (String) async -> Bool,
        stopRequest: @escaping @Sendable () -> StopRequest
    ) throws(JournalError) {
        let procedure = MigrationProcedure(plan: plan, survey: run.survey)
        let entries = try journal.entries(of: run.id)
        let history = RunHistory(entries)
        passed = history.passed
        begun = history.begun
        self.entries = entries
        self.course = course
        self.resting = resting
        stages = course.stages(of: procedure, after: history)
        done = history.settled(before: stages)
        hosts = plan.agents.map(\.host)
        self.plan = plan
        self.run = run
        self.fleet = fleet
        self.ensembles = ensembles
        self.journal = journal
        self.timing = timing
        self.report = report
        self.confirm = confirm
        self.stopRequest = stopRequest
    }

    /// Before a step is begun for the second time; doubled before each further time.
    private static var shortestPause: Duration { .milliseconds(250) }

    /// Runs what the journal does not show as done.
    ///
    /// The caller holds the leases for `run.epoch`.
    package func perform() async throws(JournalError) -> Outcome {
        var progress = RunProgress(runner: self, facts: run.facts, entries: entries)
        var machine = RunMachine(stages: stages, done: done, begun: begun, passed: passed, resting: resting)
        let started = timing.monotonic()
        let before = "\(done.count) steps were done before"
        tell(done.isEmpty ? .runStarted(message: before) : .runResumed(message: before))

        var pause = Self.shortestPause
        var failed: StepID?
        // Whether it stops before a stage's question: at no step.
        var isAsking = false
        var action = machine.handle(.begin)
        while true {
            switch stopRequest() {
            case .none: break
            case .atRestingPlace(let reason): _ = machine.handle(.stopAsked(because: reason))
            case .now: _ = machine.handle(.stopAsked(because: nil))
            }
            switch action {
            case .finish:
                progress.leaveStage()
                progress.repeatWaivers()
                return try finish(
                    (timing.monotonic() - started).milliseconds,
                    isSplit: !progress.wrongSide.isEmpty
                )
            case .rest(let stage):
                progress.leaveStage()
                try journal.end(run.id, .stopped, at: timing.now())
                let (name, standing) = (stages[stage].name, try standing())
                let message = "before the stage \(name), as asked; `mitosis run` goes on from here"
                tell(.runStopped(nil, reason: message, standing: standing))
                return .rested(before: name, standing: standing)
            case .stop(let reason):
                if course == .forward, failed == .commit, stopRequest() == .none {
                    return try await takeBack(because: reason, facts: progress.facts)
                }
                return try stopped(isAsking ? nil : progress.step?.id, because: reason)
            case .nothing:
                return .stopped(
                    reason: "internal: the run has nothing to do; please report this",
                    standing: try standing()
                )
            case .confirm(let stage):
                switch await progress.inquire(before: stages[stage]) {
                case .failure(let reason):
                    isAsking = true
                    action = machine.handle(.failed(reason.reason))
                case .success(let told):
                    let question = (stages[stage].confirmation ?? "") + progress.expectation + told
                    tell(.confirmationNeeded(stages[stage].name, question: question))
                    action = machine.handle(await confirm(question) ? .confirmed : .declined)
                }
            case .precheck(let position):
                progress.enter(position)
                action = machine.handle(await progress.precheck())
            case .decide: action = machine.handle(await progress.decide())
            case .recordIntent:
                try await progress.recordIntent()
                action = machine.handle(.recorded)
            case .act: action = machine.handle(await progress.act())
            case .verify: action = machine.handle(await progress.verify())
            case .recordVerdict(_, let verdict):
                try await progress.recordVerdict(verdict)
                if case .failed = verdict { failed = progress.step?.id } else { failed = nil }
                action = machine.handle(.recorded)
                // Only another attempt at the same step looks before it after a failure.
                if case .failed = verdict, case .precheck = action {
                    await timing.sleep(pause)
                    pause *= 2
                } else {
                    pause = Self.shortestPause
                }
            }
        }
    }

    private func stopped(_ step: StepID?, because reason: String) throws(JournalError) -> Outcome {
        try journal.end(run.id, .stopped, at: timing.now())
        let standing = try standing()
        tell(.runStopped(step, reason: reason, standing: standing))
        return .stopped(reason: reason, standing: standing)
    }

    /// Not every host has committed, and none was started: all go back to the joint ensemble at once.
    ///
    /// Who has committed would stay walled off, while who has not goes back by itself.
    private func takeBack(because reason: String, facts: RunFacts) async throws(JournalError) -> Outcome {
        let title = "Not every host has committed"
        let message = "\(reason); all of them are taken back to the joint ensemble"
        tell(.warning(RunEvent.Subject(title: title), message: message))
        let known = RunRecord(
            id: run.id,
            plan: run.plan,
            planDigest: run.planDigest,
            startedAt: run.startedAt,
            survey: run.survey,
            epoch: run.epoch,
            facts: facts
        )
        let back = try Runner(
            plan: plan,
            run: known,
            course: .back(to: .joint),
            fleet: fleet,
            ensembles: ensembles,
            journal: journal,
            timing: timing,
            report: report,
            confirm: confirm,
            stopRequest: stopRequest
        )
        switch try await back.perform() {
        case .finished:
            return try stopped(.commit, because: "\(reason); everything was taken back to the joint ensemble")
        case let outcome: return outcome
        }
    }

    private func standing() throws(JournalError) -> Standing {
        RunHistory(try journal.entries(of: run.id)).standing
    }

    /// - Parameter isSplit: whether somebody has written on the source into what has moved.
    private func finish(_ milliseconds: Int, isSplit: Bool) throws(JournalError) -> Outcome {
        switch course {
        case .forward:
            try journal.end(run.id, .finished, at: timing.now())
            let message =
                isSplit
                ? "finished, but the truth is split: see what was written on the source, above," : "finished"
            tell(.runFinished(message: message, milliseconds: milliseconds))
        case .back(.joint):
            try journal.end(run.id, .stopped, at: timing.now())
            tell(.runFinished(message: "back at the joint ensemble", milliseconds: milliseconds))
        case .back(.untouched):
            try journal.end(run.id, .withdrawn, at: timing.now())
            tell(.runFinished(message: "all is as it was before the run", milliseconds: milliseconds))
        }
        return .finished(milliseconds: milliseconds)
    }

    func tell(_ what: RunEvent.What) {
        report(RunEvent(what, at: timing.now(), run: run.id.description))
    }
}
