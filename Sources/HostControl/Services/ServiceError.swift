package import ControlProtocol

/// Why a service is not in the state that was asked for.
package enum ServiceError: Error, Hashable, Sendable {
    /// Nothing was done.
    case refused(Refusal)
    /// The command could not even be run.
    case notRun(command: String, reason: String)
    /// The command ended otherwise than with exit status 0.
    case commandFailed(command: String, ending: String, output: String)
    /// The command itself did not end in time and was killed.
    case commandSilent(command: String, seconds: Double)
    /// The service did not get there in time; what was begun may still take effect.
    case deadline(service: String, action: ServiceRequest.Action, seconds: Double, found: ServiceState)
    /// The service was started and is not running.
    case startFailed(service: String, reason: String)
}

extension ServiceError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .refused(let refusal): refusal.description
        case .notRun(let command, let reason):
            "cannot run '\(command)': \(reason); correct the agent's configuration or install it"
        case .commandFailed(let command, let ending, let output):
            "'\(command)' \(ending): \(output.isEmpty ? "it said nothing" : HostCommand.shown(output)); "
                + "read the service's log, mend the cause and repeat"
        case .commandSilent(let command, let seconds):
            "'\(command)' did not end within \(seconds) s and was killed; "
                + "run it by hand to see what it waits for"
        case .deadline(let service, let action, let seconds, let found):
            "\(service) did not \(action.rawValue) within \(seconds) s: \(Self.text(of: found)); "
                + "read its log and look at it before repeating"
        case .startFailed(let service, let reason):
            "\(service) was started and does not run: \(reason); read its log, mend the cause and repeat"
        }
    }

    private static func text(of state: ServiceState) -> String {
        switch state {
        case .running(let pid): "pid \(pid) is still running"
        case .changing: "it is still being started or stopped"
        case .stopped: "it is stopped"
        case .failed(let reason): "it has failed: \(reason)"
        }
    }
}
