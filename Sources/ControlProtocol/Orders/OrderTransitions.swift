/// What becomes of a host's order by what happens to it; docs/division.md says why, docs/model checks it.
package enum OrderTransitions {
    package enum Event: String, Hashable, Sendable, CaseIterable {
        /// A wall or a detachment that is to be undone by itself unless it is committed.
        case ordered
        /// A wall that stays.
        case orderedForGood = "ordered-for-good"
        case committed
        /// No coordinator has come in time.
        case due
        /// What the host had to undo is undone, and its server runs again.
        case undone
        /// A start that a coordinator commands.
        case started
        case rulesRemoved = "rules-removed"
    }

    package enum Outcome: Hashable, Sendable {
        case becomes(OrderPhase?)
        case refused
    }

    /// Of the same run: an order of another run's is as none to `ordered` and `orderedForGood`.
    package static func outcome(of event: Event, in phase: OrderPhase?) -> Outcome {
        switch (event, phase) {
        case (.rulesRemoved, _): .becomes(nil)
        case (.ordered, nil), (.ordered, .provisional): .becomes(.provisional)
        // What was committed is never taken back to where it could lapse.
        case (.ordered, .kept): .becomes(.kept)
        case (.orderedForGood, nil), (.orderedForGood, .kept): .becomes(.kept)
        case (.orderedForGood, .provisional): .becomes(.provisional)
        // The host is on its own way back: its server runs, or is about to.
        case (.ordered, .lapsing), (.ordered, .lapsed), (.orderedForGood, .lapsing),
            (.orderedForGood, .lapsed):
            .refused
        case (.committed, .provisional), (.committed, .kept): .becomes(.kept)
        case (.committed, nil), (.committed, .lapsing), (.committed, .lapsed): .refused
        case (.due, .provisional), (.due, .lapsing): .becomes(.lapsing)
        case (.due, nil), (.due, .kept), (.due, .lapsed): .becomes(phase)
        case (.undone, .lapsing), (.undone, .lapsed): .becomes(.lapsed)
        case (.undone, nil), (.undone, .provisional), (.undone, .kept): .becomes(phase)
        // A node that starts before all have committed may vote with one that goes back.
        case (.started, .provisional), (.started, .lapsing): .refused
        case (.started, nil), (.started, .kept), (.started, .lapsed): .becomes(phase)
        }
    }
}
