extension RunEvent {
    package enum WindowChange: Hashable, Sendable {
        /// Clients of the destination lose their ZooKeeper from here on; told again by each step within the window.
        case opens
        case closes
    }

    /// What the event says of the division's window; nil when it says nothing of it.
    package var windowChange: WindowChange? {
        switch what {
        case .stepStarted(let subject):
            subject.step.map(StepID.withinWindow.contains) == true ? .opens : nil
        case .stepFinished(let subject, _, _): subject.step == .startFirstQuorum ? .closes : nil
        // Back at the joint ensemble, however far back the way leads.
        case .stageFinished(let stage, _, _): stage == .rollback ? .closes : nil
        // Who stops within the window leaves clients without ZooKeeper.
        case .runStopped(_, _, let standing):
            standing == .dividing || standing == .rollingBack ? nil : .closes
        case .runFinished: .closes
        case .runStarted, .runResumed, .stageStarted, .stepProgress, .stepWaiting, .warning,
            .confirmationNeeded,
            .probed:
            nil
        }
    }
}

extension StepID {
    /// From the detaching of the first node until the destination's first leader serves.
    fileprivate static let withinWindow: Set<StepID> = [
        .detach, "division.split", .commit, .startFirstQuorum,
    ]
}
