/// A point that a run has passed or has not, whatever its steps are called.
///
/// Where a migration stands, what is renewed when it goes on, what is refused and how far the way back reaches are
/// functions of these; `Milestone.passages` says which step passes which.
package enum Milestone: Hashable, Sendable, CaseIterable {
    /// The joint ensemble is complete.
    case joined
    /// The original files lie under processes that run with the joint ones.
    case originalFilesBack
    /// A destination node may have been cut off from its clients and from the source.
    case divisionBegan
    /// Some node may have been started in the destination's own view: nothing is to be held back any more that was not.
    case startBegan
    /// A destination node leads: the point of no return.
    case destinationLed
    /// Some wall may be gone, as it should be.
    case rulesRemovalBegan
    case rulesRemoved
    /// More may have been taken back than which processes run: nothing goes forward until all of it is.
    case wayBackBegan
    /// The division was taken back as a whole.
    case wayBackEnded
    /// Brokers or nodes may have gone back to the source: nothing goes forward until all have.
    case withdrawBegan
    /// All is as it was before the run.
    case withdrawEnded
}
