package import ControlProtocol
package import Topology

/// Why a server was not detached.
///
/// Unless it says otherwise the server runs on as it did, its ports are open, and the wall stands only if it stood before.
package enum DetachError: Error, Hashable, Sendable {
    case refused(Refusal)
    /// Another process runs than the one that was to be detached.
    case otherProcess(expected: Int32?, found: Int32)
    /// It could not be asked what it has in memory.
    case silent(service: String, reason: String)
    /// Its log on disk did not reach what it had in memory.
    case undrained(service: String, memory: Zxid, disk: Zxid?, seconds: Int, problems: [String])
    /// Somebody else opened its client ports in the meantime: it may have acknowledged more than it was asked for.
    case reopened(service: String)
    /// Its log lacks transactions that came before its end.
    case incomplete(service: String, missing: [ZxidRange])
    /// It does not serve, and what its log writer does could not be seen, or did not end.
    case busy(service: String, reason: String, seconds: Int)
    /// It failed, and then the rules of before could not be put back: ports may be closed.
    case notGivenBack(cause: String, firewall: FirewallError)
    case firewall(FirewallError)
    /// It is drained and cut off, and did not end.
    case notStopped(ServiceError)
    /// Its end was asked for, and then the wall could not be put up: its ports may still be closed.
    case notWalled(after: String, firewall: FirewallError)
    /// It is stopped, and the copy of its data could not be made.
    case notCopied(path: String, reason: String)
    /// The data of a stopped server, or the copy of it, could not be moved or removed.
    case data(path: String, FileError)
    /// What was found out could not be kept, so that it was not stopped.
    case notRecorded(reason: String)
    /// The order that holds it back could not be kept, so that it was not stopped.
    case order(OrderError)
}

extension DetachError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .refused(let refusal): refusal.description
        case .otherProcess(let expected, let found):
            "the server runs as pid \(found), not as \(expected.map { "pid \($0)" } ?? "nothing"): somebody else has "
                + "started it; look at it, then repeat. Nothing was changed"
        case .silent(let service, let reason):
            "\(service) cannot be asked what it has in memory: \(reason). It was left running; mend that, then repeat"
        case .undrained(let service, let memory, let disk, let seconds, let problems):
            "\(service) has \(memory) in memory, and after \(seconds) s its disk ends at \(disk?.description ?? "nothing")"
                + (problems.isEmpty ? "" : " (" + problems.joined(separator: "; ") + ")")
                + ": it was left running, and serves its clients again. Mend its disk, then repeat"
        case .reopened(let service):
            "another program changed this host's packet rules while \(service)'s client ports were closed, so that it may have "
                + "acknowledged more meanwhile: it was left running, and serves its clients. Stop that program, then repeat"
        case .incomplete(let service, let missing):
            "\(service)'s log lacks \(missing.map(\.description).joined(separator: ", ")): a restart would lose them. It was "
                + "left running, and serves its clients again. Stop it, move version-2 away, let it take the data anew, then "
                + "repeat"
        case .busy(let service, let reason, let seconds):
            "\(service) does not serve, and after \(seconds) s it is not certain that its log holds everything: "
                + "\(reason). It was left running; see its log, then repeat"
        case .notGivenBack(let cause, let firewall):
            "\(cause); moreover its rules could not be taken back: \(firewall). Restart the agent, which opens ports that "
                + "were left closed"
        case .firewall(let error): error.description
        case .notStopped(let error):
            "its disk holds everything and the wall stands, but it did not end: \(error)"
        case .notWalled(let event, let firewall):
            "\(event); moreover the wall could not be put up: \(firewall). Until it stands start nothing here; repeat"
        case .notCopied(let path, let reason):
            "the server is stopped and the wall stands, but its data in \(path) could not be copied: \(reason)"
        case .data(let path, let error): "the data in \(path): \(error)"
        case .notRecorded(let reason):
            "what was found out could not be kept: \(reason). The server was left running"
        case .order(let error): "\(error). The server was left as it was"
        }
    }
}
