package import ControlProtocol

/// Why an order could not be read, kept or dropped.
package enum OrderError: Error, Hashable, Sendable {
    /// It is there, and what it says is not known: everything on this host counts as held back.
    case unreadable(path: String, reason: String)
    case storage(path: String, operation: String, reason: String)
    /// Its wall could not be put back.
    case notWalled(run: RunID, FirewallError)
}

extension OrderError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unreadable(let path, let reason):
            "the order in \(path) cannot be read (\(reason)), so that every service of this host counts as held back; "
                + "see `mitosis status` of the run's plan, then `mitosis-agent orders drop` on this host"
        case .storage(let path, let operation, let reason):
            "cannot \(operation) the order in \(path): \(reason)"
        case .notWalled(let run, let error):
            "the wall that run \(run) ordered cannot be put back: \(error)"
        }
    }
}
