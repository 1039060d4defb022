/// The stages of a migration, by the names that the ids of their steps begin with in journals.
package enum StageName: String, Hashable, Sendable, Codable, CaseIterable, CustomStringConvertible {
    case preflight
    case join
    case repoint
    case division
    case `return`
    case proof
    case cleanUp = "clean-up"
    /// What a run that goes on does first.
    case renewal
    case rollback
    /// From the joint ensemble to what was before.
    case withdraw

    package var description: String { rawValue }

    /// Those of a run that goes forward, in their order.
    package static var forward: [StageName] {
        allCases.filter { $0 != .renewal && $0 != .rollback && $0 != .withdraw }
    }

    /// Whether a rollback to the joint ensemble that has come to its end takes the stage's steps back, so that they are all
    /// to be done again; one to the beginning takes back all.
    package var isTakenBack: Bool {
        switch self {
        case .preflight, .join, .repoint, .return, .proof, .cleanUp, .withdraw: false
        case .division, .renewal, .rollback: true
        }
    }
}

extension StepID {
    /// Nil for a step that no stage of this version has.
    package var stage: StageName? { StageName(rawValue: String(description.prefix { $0 != "." })) }
}
