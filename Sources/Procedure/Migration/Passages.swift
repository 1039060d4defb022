/// A step that passes milestones, when it is begun, when it is done, or both.
package struct Passage: Hashable, Sendable {
    package let begun: Milestone?
    package let done: Milestone?

    fileprivate init(begun: Milestone? = nil, done: Milestone? = nil) {
        self.begun = begun
        self.done = done
    }
}

/// The steps of both strategies that pass milestones, by the ids that journals hold.
///
/// Journals of earlier versions are read through this table too: an id that was released stays.
extension Milestone {
    package static let passages: [StepID: Passage] = [
        .startSeedsAgain: Passage(done: .joined),
        .startObservers: Passage(done: .joined),
        // Of journals whose destination had its own files before anything was ordered there.
        .restoreFiles: Passage(done: .originalFilesBack),
        .detach: Passage(begun: .divisionBegan),
        .startFirstQuorum: Passage(begun: .startBegan, done: .destinationLed),
        .removeRules: Passage(begun: .rulesRemovalBegan, done: .rulesRemoved),
        .returnToJointFiles: Passage(begun: .wayBackBegan),
        .setAside: Passage(begun: .wayBackBegan),
        .openWalls: Passage(begun: .wayBackBegan),
        .rejoin: Passage(begun: .wayBackBegan, done: .wayBackEnded),
        .withdrawPossible: Passage(done: .withdrawBegan),
        .removeBarrier: Passage(begun: .rulesRemovalBegan),
        .withdrawProof: Passage(done: .withdrawEnded),
    ]

    /// What a journal with these steps has passed.
    package static func passed(begun: Set<StepID>, done: Set<StepID>) -> Set<Milestone> {
        Set(begun.compactMap { passages[$0]?.begun } + done.compactMap { passages[$0]?.done })
    }
}

extension StepID {
    static let holdLaterSeeds: StepID = "join.hold-later-seeds"
    static let startSeedsAgain: StepID = "join.start-seeds-again"
    static let startObservers: StepID = "join.start-observers"
    static let restoreFiles: StepID = "division.restore-files"
    package static let detach: StepID = "division.detach"
    static let commit: StepID = "division.commit"
    package static let startFirstQuorum: StepID = "division.start"
    static let predictWindow: StepID = "join.window"
    static let removeRules: StepID = "clean-up.remove-rules"
    static let returnToJointFiles: StepID = "rollback.files"
    static let setAside: StepID = "rollback.set-aside"
    static let openWalls: StepID = "rollback.remove-rules"
    static let rejoin: StepID = "rollback.rejoin"
    static let withdrawPossible: StepID = "withdraw.possible"
    static let removeBarrier: StepID = "withdraw.remove-rules"
    static let withdrawProof: StepID = "withdraw.proof"
}
