extension Runner {
    /// Which way a run goes.
    package enum Course: Hashable, Sendable {
        case forward
        case back(to: Goal)
    }

    /// How far back.
    package enum Goal: String, Hashable, Sendable, CaseIterable {
        /// The joint ensemble, from a division without a leader.
        case joint
        /// What was before the run, from anywhere before the point of no return.
        case untouched
    }
}

extension Runner.Course {
    func stages(of procedure: MigrationProcedure, after history: RunHistory) -> [Stage] {
        switch self {
        case .forward: [procedure.renewal(after: history.passed)].compactMap(\.self) + procedure.stages
        case .back(.joint): [procedure.wayBack]
        case .back(.untouched):
            history.isDivided ? [procedure.wayBack, procedure.withdrawal] : [procedure.withdrawal]
        }
    }
}

extension RunHistory {
    /// Whether the joint ensemble has to come back before anything else is taken back.
    fileprivate var isDivided: Bool {
        switch standing {
        case .untouched, .joining, .joint, .withdrawing: false
        case .dividing, .rollingBack, .divided, .apart: true
        }
    }
}
