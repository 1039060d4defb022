/// What stops `mitosis-agent provision`.
enum ProvisionFailure: Error, Hashable {
    /// Nothing was changed.
    case refused(reason: String)
    /// Something was; `isUndone` when it is as it was before.
    case failed(reason: String, isUndone: Bool)
    /// The coordinator went away before anything was changed.
    case left
}

extension ProvisionFailure: CustomStringConvertible {
    var description: String {
        switch self {
        case .refused(let reason): reason
        case .failed(let reason, true): "\(reason); everything is as it was before"
        case .failed(let reason, false):
            "\(reason); it could not be undone whole: repeat the command, which undoes or finishes it first"
        case .left: "the coordinator went away; nothing was changed"
        }
    }
}
