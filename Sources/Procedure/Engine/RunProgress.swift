package import ControlProtocol
import Fleet
import SystemCalls
import Topology

/// The step under way: its commands, its attempt, its times, and what the run remembers.
struct RunProgress {
    let runner: Runner
    private(set) var facts: RunFacts
    private var attempts: [StepID: Int]
    private var position: RunMachine.Position?
    private var commands: [HostCommand] = []
    /// The last look at the fleet, if nothing was commanded since.
    private var seen: GateWatch.Seen?
    /// What a program of the step printed; kept with its verdict.
    private var output: String?
    private var stageStarted: Duration = .zero
    private var stepStarted: Duration = .zero

    init(runner: Runner, facts: RunFacts, entries: [JournalEntry]) {
        self.runner = runner
        self.facts = facts
        attempts = entries.reduce(into: [:]) { $0[$1.step] = max($0[$1.step] ?? 0, $1.attempt) }
    }

    var stage: Stage? { position.map { runner.stages[$0.stage] } }
    var step: Step? { position.map { runner.stages[$0.stage].steps[$0.step] } }

    mutating func enter(_ next: RunMachine.Position) {
        if position?.stage != next.stage {
            leaveStage()
            stageStarted = runner.timing.monotonic()
            let stage = runner.stages[next.stage]
            runner.tell(.stageStarted(stage.name, title: stage.title))
        }
        position = next
        stepStarted = runner.timing.monotonic()
        tell { .stepStarted($0) }
    }

    func leaveStage() {
        guard let stage else { return }
        let milliseconds = (runner.timing.monotonic() - stageStarted).milliseconds
        runner.tell(.stageFinished(stage.name, title: stage.title, milliseconds: milliseconds))
    }

    /// Looks at what must be seen before a stage's question; what is to be told with the question.
    mutating func inquire(before stage: Stage) async -> Result<String, Undecidable> {
        guard let inquiry = stage.inquiry else { return .success("") }
        let subject = RunEvent.Subject(stage: stage.name, title: "Before the question")
        let watch = gates { [runner] in runner.tell(.stepWaiting(subject, message: $0)) }
        switch await watch.wait(for: inquiry.gate, facts: &facts, seen: &seen, seeing: inquiry.seeing) {
        case .holds: break
        case .warned(let observed): runner.tell(.warning(subject, message: observed))
        case .failed(let reason), .refuted(let reason): return .failure(Undecidable(reason: reason))
        }
        return .success(seen.map { inquiry.telling($0.view) } ?? "")
    }

    mutating func precheck() async -> RunMachine.Event {
        guard let gate = step?.precheck else { return .succeeded("") }
        return await watch(gate)
    }

    mutating func decide() async -> RunMachine.Event {
        guard let step else { return .failed("no step") }
        switch step.act {
        case .observeOnly: commands = []
        case .commands(let fixed): commands = fixed
        case .decided(_, let decide, let look): return await decided(decide, look, step.verify)
        }
        return .succeeded("")
    }

    private mutating func decided(
        _ decide: @Sendable (FleetView, RunFacts) -> Decision,
        _ look: Look,
        _ gate: Gate
    ) async -> RunMachine.Event {
        let deadline = runner.timing.monotonic() + gate.deadline
        while true {
            let now = await gates.look(look, facts: facts, unless: seen)
            seen = now
            switch decide(now.view, facts) {
            case .act(let chosen, let because, let noted):
                commands = chosen
                facts = noted
                tell { .stepProgress($0, message: because) }
                return .succeeded(because)
            case .nothingToDo(let because):
                commands = []
                tell { .stepProgress($0, message: because) }
                return .succeeded(because)
            case .stop(let because): return .failed(because)
            case .wait(let because):
                guard runner.timing.monotonic() < deadline, runner.stopRequest() != .now else {
                    return .failed(because)
                }
                await runner.timing.sleep(gate.interval ?? GateWatch.pause)
                seen = nil
            }
        }
    }

    mutating func recordIntent() async throws(JournalError) {
        guard let step else { return }
        attempts[step.id, default: 0] += 1
        try runner.journal.remember(facts, of: runner.run.id)
        try await runner.journal.intent(
            step.id,
            attempt: attempts[step.id] ?? 1,
            commands: commands,
            at: runner.timing.now(),
            of: runner.run.id
        )
    }

    mutating func act() async -> RunMachine.Event {
        guard let step, !commands.isEmpty else { return .succeeded("") }
        seen = nil
        let teller = self
        let dispatch = CommandDispatch(
            fleet: runner.fleet,
            lease: Lease(runID: runner.run.id, epoch: runner.run.epoch),
            leaseSeconds: Leases.secondsToLive,
            timing: runner.timing,
            patience: .seconds(20)
        ) { host, message in teller.tell { .stepWaiting($0, message: "\(host): \(message)") } }
        let answer = await dispatch.send(commands, step: step.id.description, attempt: attempts[step.id] ?? 1)
        for (host, results) in answer.results.sorted(by: { $0.key < $1.key }) {
            for result in results {
                if let text = result.sentence { tell { .stepProgress($0, message: "\(host): \(text)") } }
                step.noting?(host, result, &facts)
            }
        }
        return answer.failures.isEmpty
            ? .succeeded("") : .failed(answer.failures.map(\.description).sorted().joined(separator: "\n"))
    }

    mutating func verify() async -> RunMachine.Event {
        guard let step else { return .failed("no step") }
        if let preflight = step.verify.preflight { return await inspect(preflight) }
        let event = await watch(step.verify, seeing: step.seeing)
        if let answer = seen?.view.proofs.values.first {
            facts.proofs[step.id.description] = RunFacts.Proof(at: runner.timing.now(), answer: answer)
            output = answer.output
        }
        return event
    }

    /// Warnings are said aloud; what was waived is remembered with the run, and repeated at its end.
    private mutating func inspect(_ preflight: Preflight) async -> RunMachine.Event {
        let findings = await preflight.findings(gates, facts: facts)
        seen = nil
        if runner.stopRequest() == .now { return .failed("stopped at once, as asked") }
        facts.waived = findings.compactMap(\.waiverSentence) + preflight.skippedProofs
        for finding in findings {
            switch finding.verdict {
            case .pass, .fail: break
            case .warn: tell { .warning($0, message: finding.sentence) }
            case .waived: tell { .warning($0, message: "waived: \(finding.waiverSentence ?? "")") }
            }
        }
        let failed = findings.filter { $0.verdict == .fail }
        guard failed.isEmpty else { return .failed(failed.map(\.sentence).joined(separator: "\n")) }
        return .succeeded(findings.map { "\($0.name): \($0.reason)" }.joined(separator: "\n"))
    }

    /// What the operator is told of the division before it is confirmed.
    var expectation: String { facts.window.map { "\n\($0.sentence)." } ?? "" }

    /// What the operator chose to do without, for the end of the run.
    func repeatWaivers() {
        for waived in facts.waived {
            warn("Waived in the preflight", waived)
        }
        for (step, reason) in facts.accepted.sorted(by: { $0.key < $1.key }) {
            warn("Gone on with all the same", "\(step): \(reason)")
        }
        for found in facts.wrongSide {
            warn("Written on the wrong side", found)
        }
    }

    private func warn(_ title: String, _ text: String) {
        runner.tell(.warning(RunEvent.Subject(title: title), message: text))
    }

    /// What was written on the source, for the end of the run.
    var wrongSide: [String] { facts.wrongSide }

    mutating func recordVerdict(_ verdict: StepVerdict) async throws(JournalError) {
        guard let step else { return }
        if let output {
            let place = StepOutput.Place(step: step.id, attempt: attempts[step.id] ?? 1)
            try runner.journal.keep(StepOutput(place: place, text: output), of: runner.run.id)
        }
        output = nil
        if step.noting != nil || step.seeing != nil || step.verify.preflight != nil
            || !step.verify.look.proofs.isEmpty
        {
            try runner.journal.remember(facts, of: runner.run.id)
        }
        try await runner.journal.verdict(
            step.id,
            attempt: attempts[step.id] ?? 1,
            verdict,
            at: runner.timing.now(),
            of: runner.run.id
        )
        if case .done(let observed) = verdict {
            let milliseconds = (runner.timing.monotonic() - stepStarted).milliseconds
            tell { .stepFinished($0, observed: observed, milliseconds: milliseconds) }
        }
    }

    private mutating func watch(
        _ gate: Gate,
        seeing: (@Sendable (FleetView, inout RunFacts) -> Void)? = nil
    ) async -> RunMachine.Event {
        switch await gates.wait(for: gate, facts: &facts, seen: &seen, seeing: seeing) {
        case .holds(let observed): return .succeeded(observed)
        case .warned(let observed):
            tell { .warning($0, message: observed) }
            return .succeeded(observed)
        case .failed(let reason): return .failed(reason)
        case .refuted(let reason): return step?.endsWhenRefuted == true ? .refuted(reason) : .failed(reason)
        }
    }

    private var gates: GateWatch {
        gates { reason in tell { .stepWaiting($0, message: reason) } }
    }

    private func gates(_ progress: @escaping @Sendable (String) -> Void) -> GateWatch {
        GateWatch(
            fleet: runner.fleet,
            ensembles: runner.ensembles,
            timing: runner.timing,
            stopRequest: runner.stopRequest,
            progress: progress
        )
    }

    private func tell(_ what: (RunEvent.Subject) -> RunEvent.What) {
        runner.tell(what(RunEvent.Subject(stage: stage?.name, step: step?.id, title: step?.title ?? "")))
    }
}

extension CommandResult {
    /// What progress shows of it; nil when that it was done says everything.
    var sentence: String? {
        switch self {
        case .rules, .file, .data, .piloted, .handMade: nil
        case .service(let report): report.sentence
        case .detached(let report): report.sentence
        case .order(let order): order.description
        }
    }
}

extension ServiceReport {
    /// What a restart took, as progress shows it.
    var sentence: String {
        let pids = [oldPID, newPID].map { $0.map(String.init) ?? "none" }.joined(separator: " -> ")
        let parts = [
            stopMilliseconds.map { "stopped in \($0) ms" }, startMilliseconds.map { "started in \($0) ms" },
        ].compactMap(\.self)
        return "\(service) pid \(pids)" + (parts.isEmpty ? "" : ", " + parts.joined(separator: ", "))
    }
}

extension DetachReport {
    /// What was proven, and what each part took.
    var sentence: String {
        let times = phases.map { "\($0.name) \($0.milliseconds)" }.joined(separator: ", ")
        return "detached, \(data.end.map(\.description) ?? "no history"), \(proof.sentence) (ms: \(times))"
    }
}

extension DetachReport.Proof {
    package var sentence: String {
        switch self {
        case .held(let memory): "its disk held all of its memory up to \(memory) before it was stopped"
        case .idle: "it had stopped serving before, and its log writer had nothing to do"
        case .unknown(let reason): "NOT PROVEN to be all that it acknowledged: \(reason)"
        }
    }

    package var isKnown: Bool {
        switch self {
        case .held, .idle: true
        case .unknown: false
        }
    }
}
