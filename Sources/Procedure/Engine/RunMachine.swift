/// The run as a value: every event says what to do next, and nothing is done here.
///
/// For each step: precheck, decide, write the intent down, act, verify, write the verdict down. What survives a
/// crash is the journal: a step with a verdict is never done again; a step with an intent and no verdict is
/// decided anew from what is seen, and commands state desired ends. A failed step is begun anew, too, as often as it may.
package struct RunMachine: Sendable {
    package struct Position: Hashable, Sendable {
        package let stage: Int
        package let step: Int

        package init(stage: Int, step: Int) {
            self.stage = stage
            self.step = step
        }
    }

    package enum State: Hashable, Sendable {
        case idle
        case confirming(Position)
        case prechecking(Position)
        case deciding(Position)
        case recordingIntent(Position)
        case acting(Position)
        case verifying(Position)
        case recordingVerdict(Position, StepVerdict)
        case finished
        case rested(before: Int)
        case stopped(reason: String)
    }

    package enum Event: Hashable, Sendable {
        case begin
        case confirmed
        case declined
        /// The gate held, or the decision was taken, or the commands were carried out.
        case succeeded(String)
        case failed(String)
        /// The same, and no other attempt may be made.
        case refuted(String)
        case recorded
        /// Somebody asked to stop at the next resting place; without a reason the operator.
        case stopAsked(because: String?)
    }

    package enum Action: Hashable, Sendable {
        case confirm(stage: Int)
        case precheck(Position)
        case decide(Position)
        case recordIntent(Position)
        case act(Position)
        case verify(Position)
        case recordVerdict(Position, StepVerdict)
        case finish
        /// The operator's own end of the run: this stage is not begun.
        case rest(before: Int)
        case stop(reason: String)
        case nothing
    }

    package private(set) var state: State = .idle
    private let plan: [[Outline]]
    /// Stages whose question was answered by an earlier run of the program.
    private let committed: Set<Int>
    /// The stage that this run does not begin.
    private let firstLeft: Int?
    private var stopAsked: Asked?
    /// How often a step was begun by this program.
    private var tries: [Position: Int] = [:]
    private var confirmedStages: Set<Int> = []

    private struct Asked: Hashable, Sendable {
        /// Nil when it was the operator.
        let reason: String?

        func told(_ place: String) -> String {
            reason.map { "\(place): \($0)" } ?? "stopped as asked, \(place)"
        }
    }

    private struct Outline: Hashable, Sendable {
        let isDone: Bool
        /// By an earlier run of the program.
        let isBegun: Bool
        let isRestingPlace: Bool
        let isConfirmed: Bool
        let attempts: Int
    }

    /// `done` holds the steps that have a verdict in the journal, `begun` those that have an intent, `passed` what all of the
    /// journal amounts to.
    package init(
        stages: [Stage],
        done: Set<StepID>,
        begun: Set<StepID> = [],
        passed: Set<Milestone> = [],
        resting: RestingPoint? = nil
    ) {
        firstLeft = resting?.firstLeft(of: stages)
        committed = Set(
            stages.indices.filter { stages[$0].committedBy.map { passed.contains($0) } ?? false }
        )
        plan = stages.map { stage in
            stage.steps.map { step in
                Outline(
                    isDone: done.contains(step.id),
                    isBegun: begun.contains(step.id),
                    isRestingPlace: step.isRestingPlace,
                    isConfirmed: stage.confirmation == nil,
                    attempts: step.attempts
                )
            }
        }
    }

    package mutating func handle(_ event: Event) -> Action {
        if case .stopAsked(let reason) = event {
            // Who asked first is told.
            stopAsked = stopAsked ?? Asked(reason: reason)
            return .nothing
        }
        switch state {
        case .idle:
            return event == .begin ? enter(after: nil) : unexpected(event)
        case .confirming(let position):
            switch event {
            case .confirmed:
                if let stopAsked { return stop(stopAsked.told("nothing of this stage was done")) }
                confirmedStages.insert(position.stage)
                return enter(position)
            case .declined: return stop("not confirmed; nothing of this stage was done")
            // What must be seen before the question was not.
            case .failed(let reason), .refuted(let reason): return stop(reason)
            case .begin, .succeeded, .recorded, .stopAsked: return unexpected(event)
            }
        case .prechecking(let position):
            return proceed(on: event) {
                $0.rest(at: position) ?? $0.go(.deciding(position), .decide(position))
            }
        case .deciding(let position):
            return proceed(on: event) {
                $0.rest(at: position) ?? $0.go(.recordingIntent(position), .recordIntent(position))
            }
        case .recordingIntent(let position):
            guard event == .recorded else { return unexpected(event) }
            tries[position, default: 0] += 1
            return go(.acting(position), .act(position))
        case .acting(let position):
            switch event {
            case .succeeded: return go(.verifying(position), .verify(position))
            case .failed(let reason): return record(position, .failed(reason: reason))
            case .begin, .confirmed, .declined, .recorded, .refuted, .stopAsked: return unexpected(event)
            }
        case .verifying(let position):
            switch event {
            case .succeeded(let observed): return record(position, .done(observed: observed))
            case .failed(let reason): return record(position, .failed(reason: reason))
            case .refuted(let reason):
                tries[position] = plan[position.stage][position.step].attempts
                return record(position, .failed(reason: reason))
            case .begin, .confirmed, .declined, .recorded, .stopAsked: return unexpected(event)
            }
        case .recordingVerdict(let position, let verdict):
            guard event == .recorded else { return unexpected(event) }
            switch verdict {
            case .failed(let reason):
                let isLast = tries[position, default: 1] >= plan[position.stage][position.step].attempts
                if isLast { return stop(reason) }
                return go(.prechecking(position), .precheck(position))
            case .done:
                if let stopAsked, plan[position.stage][position.step].isRestingPlace {
                    return stop(stopAsked.told("between two steps"))
                }
                return enter(after: position)
            }
        case .finished, .rested, .stopped:
            return .nothing
        }
    }

    /// Before the intent is written nothing has changed: a failure needs no verdict.
    private mutating func proceed(on event: Event, _ next: (inout RunMachine) -> Action) -> Action {
        switch event {
        case .succeeded: next(&self)
        case .failed(let reason), .refuted(let reason): stop(reason)
        case .begin, .confirmed, .declined, .recorded, .stopAsked: unexpected(event)
        }
    }

    /// A step that only looks as yet is still between two steps; nil when nobody asked for a stop, or there is no rest there.
    private mutating func rest(at position: Position) -> Action? {
        guard let stopAsked, tries[position] == nil, !plan[position.stage][position.step].isBegun else {
            return nil
        }
        let earlier = plan[..<position.stage].flatMap(\.self) + plan[position.stage][..<position.step]
        guard earlier.last?.isRestingPlace ?? true else { return nil }
        return stop(stopAsked.told("between two steps"))
    }

    private mutating func enter(after position: Position?) -> Action {
        var stage = position?.stage ?? 0
        var step = (position?.step ?? -1) + 1
        while stage < plan.count {
            while step < plan[stage].count {
                if !plan[stage][step].isDone { return enter(Position(stage: stage, step: step)) }
                step += 1
            }
            stage += 1
            step = 0
        }
        return go(.finished, .finish)
    }

    private mutating func enter(_ position: Position) -> Action {
        if let firstLeft, position.stage >= firstLeft {
            return go(.rested(before: position.stage), .rest(before: position.stage))
        }
        let needsConfirmation = !plan[position.stage][position.step].isConfirmed
        if needsConfirmation, !confirmedStages.contains(position.stage), !committed.contains(position.stage) {
            return go(.confirming(position), .confirm(stage: position.stage))
        }
        return go(.prechecking(position), .precheck(position))
    }

    private mutating func go(_ next: State, _ action: Action) -> Action {
        state = next
        return action
    }

    private mutating func record(_ position: Position, _ verdict: StepVerdict) -> Action {
        go(.recordingVerdict(position, verdict), .recordVerdict(position, verdict))
    }

    private mutating func stop(_ reason: String) -> Action {
        go(.stopped(reason: reason), .stop(reason: reason))
    }

    private mutating func unexpected(_ event: Event) -> Action {
        stop("internal: \(event) in \(state); please report this")
    }
}
