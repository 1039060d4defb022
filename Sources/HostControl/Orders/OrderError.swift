package import ControlProtocol

/// Why an order could not be read, kept or dropped.
package enum OrderError: Error, Hashable, Sendable {
    /// It is there, and what it says is not known: everything on this host counts as held back.
    case unreadable(path: String, reason: String)
    /// Another program is changing it, and has not come to its end in so many seconds.
    case busy(lock: String, seconds: Int64)
    case storage(path: String, operation: String, reason: String)
    /// Its wall could not be put back.
    case notWalled(run: RunID, FirewallError)
    case notOpened(run: RunID, FirewallError)
    /// A file that belongs to the commitment was not put back; nothing is committed.
    case notRestored(run: RunID, FileError)
    /// The host goes back by itself, or has gone.
    case givenUp(run: RunID)
    /// Nothing of this run's is to be kept here.
    case nothingToKeep(run: RunID)
    /// Its node may not start before every host has committed.
    case provisional(run: RunID, service: String)
}

extension OrderError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unreadable(let path, let reason):
            "the order in \(path) cannot be read (\(reason)), so that every service of this host counts as held back; "
                + "see `mitosis status` of the run's plan, then `mitosis-agent orders drop` on this host"
        case .busy(let lock, let seconds):
            "another program is changing this host's order and has not come to its end in \(seconds) s: `fuser -v \(lock)` names "
                + "it; end it (an agent that hangs: `systemctl kill -s KILL mitosis-agent`), then do this again"
        case .storage(let path, let operation, let reason):
            "cannot \(operation) the order in \(path): \(reason)"
        case .notWalled(let run, let error):
            "the wall that run \(run) ordered cannot be put back: \(error)"
        case .notOpened(let run, let error): "the wall that run \(run) ordered cannot be removed: \(error)"
        case .notRestored(let run, let error):
            "run \(run) is not committed on this host, as a file could not be put back: \(error)"
        case .givenUp(let run):
            "no coordinator of run \(run) was heard for too long, and this host has gone back by itself to what was before the "
                + "division: `mitosis rollback --to joint` with its plan brings the others back, then `mitosis run` divides anew"
        case .nothingToKeep(let run): "this host holds no order of run \(run): nothing is to be kept"
        case .provisional(let run, let service):
            "run \(run) has not committed its division on every host: \(service) may not start before that"
        }
    }
}
