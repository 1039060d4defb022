package import ControlProtocol

/// What a host does about its order by itself, with nobody's command: for whoever keeps its audit trail.
package struct OwnDeed: Hashable, Sendable {
    package enum Act: Hashable, Sendable {
        /// What was before the division comes back: told when it begins, when something keeps it from its end, and at its end.
        case lapse(lapse: Lapse)
        /// The order's wall did not stand, and was put up before the start of a service was judged.
        case reinstate(wall: Wall, start: String)
    }

    package let run: RunID
    package let act: Act
    /// In the words of the audit trail.
    package let outcome: String

    package init(run: RunID, act: Act, outcome: String) {
        self.run = run
        self.act = act
        self.outcome = outcome
    }
}

/// Takes its time; never fails.
package typealias OwnDeedReport = @Sendable (OwnDeed) async -> Void
