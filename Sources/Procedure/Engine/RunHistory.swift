/// What the journal of a run says is done, begun, or taken back.
package struct RunHistory: Sendable {
    /// Steps with a verdict that they were done, and not taken back since.
    package let done: Set<StepID>
    /// Steps with an intent, not taken back since.
    let begun: Set<StepID>
    /// What those and the steps with an intent alone amount to.
    package let passed: Set<Milestone>
    /// Whether anything was sent to a host, and not all of it taken back since.
    package let hasActed: Bool

    package init(_ entries: [JournalEntry]) {
        var hasActed = false
        var done: Set<StepID> = []
        var begun: Set<StepID> = []
        for entry in entries {
            hasActed = hasActed || !entry.commands.isEmpty
            begun.insert(entry.step)
            guard case .done = entry.verdict else { continue }
            done.insert(entry.step)
            // The division was taken back as a whole: it is all to be done again, and can be taken back again.
            if Milestone.passages[entry.step]?.done == .wayBackEnded {
                done = done.filter { !($0.stage?.isTakenBack ?? false) }
                begun = begun.filter { !($0.stage?.isTakenBack ?? false) }
            }
            if Milestone.passages[entry.step]?.done == .withdrawEnded {
                (done, begun, hasActed) = ([], [], false)
            }
        }
        self.done = done
        self.begun = begun
        self.hasActed = hasActed
        passed = Milestone.passed(begun: begun, done: done)
    }

    /// The steps that are not done again by a run through these stages.
    package func settled(before stages: [Stage]) -> Set<StepID> {
        let steps = stages.flatMap(\.steps)
        let expired = steps.filter { $0.expiry.map(passed.contains) ?? false }
        return done.union(expired.map(\.id)).subtracting(
            steps.filter { step in
                switch step.repeats {
                case .never: false
                case .always: true
                case .until(let milestone): !passed.contains(milestone)
                }
            }
            .map(\.id)
        )
    }

    /// A way back that has changed more than which processes run must come to its end before anything else.
    package var isOnTheWayBack: Bool { passed.contains(.wayBackBegan) }

    package var standing: Standing {
        guard hasActed else { return .untouched }
        if passed.contains(.withdrawBegan) { return .withdrawing }
        if passed.contains(.wayBackBegan) { return .rollingBack }
        if passed.contains(.rulesRemoved) { return .apart }
        if passed.contains(.destinationLed) { return .divided }
        if passed.contains(.divisionBegan) { return .dividing }
        return passed.contains(.joined) ? .joint : .joining
    }
}

/// Where a migration stands between two steps, as the operator is told.
package enum Standing: String, Hashable, Sendable, Codable, CaseIterable, CustomStringConvertible {
    case untouched
    case joining
    case joint
    case dividing
    case rollingBack = "rolling back"
    case withdrawing
    case divided
    case apart

    package var description: String { rawValue }

    /// What it means, and the ways on from here.
    package var advice: String {
        switch self {
        case .untouched: "nothing has been changed. Forward: `mitosis run`"
        case .joining:
            "some destination nodes have joined, the source serves, no client was moved. Forward: `mitosis run`. Back to what "
                + "was before the run: `mitosis rollback`"
        case .joint:
            "the joint ensemble serves everybody; it may stay so for as long as you like. Forward: `mitosis run`. Back to what "
                + "was before the run: `mitosis rollback`"
        case .dividing:
            "destination nodes have been detached and none was seen to lead yet: until then its clients have no ZooKeeper. "
                + "Forward: `mitosis run`. Back, if none leads: `mitosis rollback --to joint`, or `mitosis rollback` to what was "
                + "before the run"
        case .rollingBack:
            "on the way back to the joint ensemble. Go on with `mitosis rollback`, or with `mitosis rollback --to joint` if it "
                + "is to end there"
        case .withdrawing:
            "on the way back to what was before the run; the source serves. Go on with `mitosis rollback`"
        case .divided:
            "past the point of no return: the destination has a leader, and the walls stand. Only forward: `mitosis run`"
        case .apart: "two ensembles, no rules. Forward: `mitosis run`"
        }
    }
}
