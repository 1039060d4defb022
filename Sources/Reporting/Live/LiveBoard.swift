package import ControlProtocol
package import Fleet
package import Procedure
package import Settings
import SystemCalls
import Topology

/// What is known of a run just now, made of its events, of looks at its hosts, and of what agents say of its place.
///
/// A value: whoever has the same events and looks has the same board, beside the run as on another machine.
package struct LiveBoard: Hashable, Sendable {
    struct StageState: Hashable, Sendable {
        enum Progress: Hashable, Sendable {
            case ahead
            /// Unix milliseconds.
            case present(since: Int64)
            /// It is over; how long it took, if that is known.
            case done(milliseconds: Int?)
        }

        let name: StageName
        var progress: Progress = .ahead
    }

    struct StepState: Hashable, Sendable {
        let id: StepID?
        let title: String
        /// Unix milliseconds.
        let since: Int64
        var waiting: String?
    }

    struct Window: Hashable, Sendable {
        var openedAt: Int64?
        var closedAt: Int64?
        /// Milliseconds.
        var expected: Int?
        var worst: Int?
        /// Whether it is over because the destination has a leader; else the joint ensemble is back.
        var isServed = false
        /// Whether nobody told of it, and looks at servers show about when it opened and closed.
        var isByLooks = false

        /// How long it was, in words; nil while it is not over.
        var over: String? {
            guard let openedAt, let closedAt else { return nil }
            let time = LiveTime.tenths(closedAt.minus(saturating: openedAt))
            return isByLooks ? "over, seen by looks \(time) apart" : "over after \(time)"
        }
    }

    /// Of the plan's Kafka, as ZooKeeper has it.
    package struct Kafka: Hashable, Sendable {
        package let registered: Int
        package let planned: Int
        package let underReplicated: Int

        package init(registered: Int, planned: Int, underReplicated: Int) {
            self.registered = registered
            self.planned = planned
            self.underReplicated = underReplicated
        }
    }

    /// More than any screen has lines.
    private static let mostWarnings = 200

    let plan: String
    let groups: [LiveGroup]
    /// By step: how long its verification may take, milliseconds.
    private let limits: [StepID: Int]
    private(set) var run: String?
    /// Whether it is known from a place alone.
    private var isPlaced = false
    /// Unix milliseconds.
    private(set) var startedAt: Int64?
    private(set) var stages: [StageState]
    private(set) var step: StepState?
    private(set) var window = Window()
    /// The last ones.
    private(set) var warnings: [String] = []
    /// How many there have been.
    private(set) var warned = 0
    /// How it ended or stopped; nil while it goes on.
    package private(set) var ending: String?
    /// Unix milliseconds.
    package private(set) var endedAt: Int64?
    /// What the operator is asked just now.
    private(set) var question: String?
    private(set) var probes: [ProbedSide: ProbeSample] = [:]
    private(set) var kafka: Kafka?
    /// Unix milliseconds.
    private(set) var kafkaSeenAt: Int64?
    private(set) var answers: [HostName: Observation] = [:]
    /// Unix milliseconds.
    private(set) var lookedAt: Int64?

    package init(_ plan: MigrationPlan) {
        self.plan = plan.name
        groups = LiveGroup.groups(of: plan)
        let procedure = MigrationProcedure(plan: plan, survey: Survey(files: [])).stages
        stages = procedure.map { StageState(name: $0.name) }
        limits = Dictionary(
            procedure.flatMap(\.steps).map { ($0.id, $0.verify.deadline.milliseconds) }
        ) { first, _ in first }
    }

    /// How long the present step may take, milliseconds; nil when that is not known.
    var limit: Int? { step?.id.flatMap { limits[$0] }.flatMap { $0 > 0 ? $0 : nil } }

    package mutating func take(_ event: RunEvent) {
        if !event.run.isEmpty { run = event.run }
        startedAt = startedAt ?? event.at
        note(event.windowChange, at: event.at)
        if case .stepFinished = event.what, event.windowChange == .closes { window.isServed = true }
        switch event.what {
        case .runStarted, .runResumed: (ending, endedAt, question, probes) = (nil, nil, nil, [:])
        case .stageStarted(let name, _):
            begin(name, at: event.at)
        case .stepStarted(let subject):
            question = nil
            step = StepState(id: subject.step, title: subject.title, since: event.at)
        case .stepProgress(_, let message), .stepWaiting(_, let message):
            step?.waiting = message
        case .warning(let subject, let message): warn("\(subject.title): \(message)")
        case .stepFinished: step?.waiting = nil
        case .stageFinished(let name, _, let milliseconds):
            set(name, .done(milliseconds: milliseconds))
            step = nil
        case .confirmationNeeded(_, let text): question = text
        case .runStopped(_, let reason, let standing):
            (ending, endedAt) = ("stopped: \(reason); the migration is \(standing)", event.at)
        case .runFinished(let message, _):
            (ending, endedAt, step) = (message.isEmpty ? "finished" : message, event.at, nil)
        case .probed(let sample): probes[sample.side] = sample
        }
    }

    /// What was predicted before the division.
    package mutating func take(_ prediction: WindowPrediction) {
        (window.expected, window.worst) = (prediction.window, prediction.worst)
    }

    /// What hosts' agents answered, and when the last had; without events the place that they were told of counts.
    package mutating func take(_ look: [HostName: Observation], at: Int64) {
        answers.merge(look) { _, new in new }
        lookedAt = at
        if isPlaced { noteWindow(at: at) }
    }

    /// Nobody tells of the window while it is open but the destination's servers themselves: walled off, and none of them
    /// serves.
    private mutating func noteWindow(at: Int64) {
        if isCutOff {
            if window.closedAt == nil { note(.opens, at: at, byLooks: true) }
        } else if destination.contains(where: { $0.condition == .serves(.leader) }) {
            note(.closes, at: at, byLooks: true)
            if window.openedAt != nil { window.isServed = true }
        }
    }

    private var destination: [LiveHost] {
        groups.first { $0.kind == .destination }?.hosts.map { LiveHost($0, answers[$0]) } ?? []
    }

    /// Whether the destination's servers are seen walled off while none of them serves.
    private var isCutOff: Bool {
        let hosts = destination
        let isServed = hosts.contains { if case .serves = $0.condition { true } else { false } }
        return !isServed && hosts.contains { ($0.rules ?? 0) > 0 }
    }

    package mutating func take(_ kafka: Kafka, at: Int64) { (self.kafka, kafkaSeenAt) = (kafka, at) }

    /// For who has none of the run's events.
    package mutating func take(_ place: RunPlace, of lease: Lease, since: Int64?) {
        isPlaced = true
        run = lease.runID.description
        startedAt = since ?? startedAt ?? place.since
        window.expected = place.window ?? window.expected
        if let name = StageName(rawValue: place.stage), !isPresent(name) { begin(name, at: place.since) }
        step = StepState(id: place.step.map { StepID($0) }, title: place.title, since: place.since)
        (ending, endedAt, question) = (nil, nil, nil)
    }

    /// Of a run whose agents were not told its place, as by an earlier version.
    package mutating func takeUnplaced(_ lease: Lease, since: Int64?) {
        isPlaced = true
        run = lease.runID.description
        startedAt = since ?? startedAt
        (ending, endedAt) = (nil, nil)
    }

    /// Of a run that has told nothing yet.
    package mutating func takeRun(_ run: RunID, at: Int64) {
        self.run = run.description
        startedAt = startedAt ?? at
    }

    /// What another board knows of the hosts, in whose place this one is shown.
    package mutating func takeHosts(of other: LiveBoard) {
        (answers, lookedAt, warned) = (other.answers, other.lookedAt, other.warned)
    }

    /// It has not ended, whatever was told.
    package mutating func goOn() { (ending, endedAt) = (nil, nil) }

    /// Whether nobody but the run is to ask anything just now: the window is open, as was told, or, since what the run tells
    /// within it comes late, as its servers show.
    package var isWithinWindow: Bool {
        guard isUnderWay, window.closedAt == nil else { return false }
        return window.openedAt != nil || isCutOff
    }

    /// Where Kafka has its ZooKeeper just now; nil within the window, when nobody is to be asked.
    package var sideOfKafka: ProbedSide? {
        if isWithinWindow || (window.openedAt != nil && window.closedAt == nil) { return nil }
        return isDivided ? .destination : .source
    }

    private var isDivided: Bool {
        window.isServed
            || stages.contains { stage in
                guard case .done = stage.progress else { return false }
                return stage.name == .division
            }
    }

    package var isUnderWay: Bool { run != nil && ending == nil }

    /// No agent knows of a run any more.
    package mutating func endUnseen(at: Int64) {
        guard ending == nil else { return }
        (ending, endedAt, step) = ("no agent holds a lease of a run any more", at, nil)
    }

    package mutating func warn(_ text: String) {
        warned += 1
        warnings.append(text)
        if warnings.count > Self.mostWarnings { warnings.removeFirst() }
    }

    private mutating func note(_ change: RunEvent.WindowChange?, at: Int64, byLooks: Bool = false) {
        switch change {
        case .opens where window.openedAt == nil || window.closedAt != nil:
            (window.openedAt, window.closedAt, window.isByLooks, window.isServed) = (at, nil, byLooks, false)
        case .closes where window.openedAt != nil && window.closedAt == nil:
            (window.closedAt, window.isByLooks) = (at, byLooks)
        case .opens, .closes, nil: break
        }
    }

    private func isPresent(_ name: StageName) -> Bool {
        stages.contains { stage in
            guard stage.name == name, case .present = stage.progress else { return false }
            return true
        }
    }

    /// What stands before it in the procedure is over.
    private mutating func begin(_ name: StageName, at: Int64) {
        guard StageName.forward.contains(name) else { return beginBeside(name, at: at) }
        guard let index = stages.firstIndex(where: { $0.name == name }) else { return }
        for earlier in stages[..<index].indices {
            switch stages[earlier].progress {
            case .ahead, .present: stages[earlier].progress = .done(milliseconds: nil)
            case .done: break
            }
        }
        for later in stages[index...].indices { stages[later].progress = .ahead }
        stages[index].progress = .present(since: at)
    }

    /// A way back, or what a run that goes on does first: before the stage that was not over, which is to be done again or gone on
    /// with.
    private mutating func beginBeside(_ name: StageName, at: Int64) {
        stages.removeAll { $0.name == name }
        let isOver = { (stage: StageState) in
            if case .done = stage.progress { true } else { false }
        }
        let index = stages.firstIndex { !isOver($0) } ?? stages.endIndex
        for later in stages[index...].indices { stages[later].progress = .ahead }
        stages.insert(StageState(name: name, progress: .present(since: at)), at: index)
    }

    private mutating func set(_ name: StageName, _ progress: StageState.Progress) {
        guard let index = stages.firstIndex(where: { $0.name == name }) else { return }
        stages[index].progress = progress
    }
}
