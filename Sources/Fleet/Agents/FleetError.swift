import AgentClient
package import ControlProtocol

/// Why a host gave no result: the one shape of a failure between an agent's client and a run's verdict.
///
/// It is put into words once, here, where a verdict is written down or something is said to the operator.
package enum FleetError: Error, Hashable, Sendable {
    /// Nothing was sent.
    case unreachable(host: HostName, reason: String)
    /// It may have happened.
    case replyLost(host: HostName, reason: String)
    /// Nothing was changed.
    case refused(host: HostName, refusal: Refusal)
    /// The host tried and did not succeed: something may have been changed.
    case failed(host: HostName, reason: String)
    /// The agent's answer makes no sense, or TLS refused one side; trying again will not help.
    case broken(host: HostName, reason: String)
    /// It was tried again and again, and this was the last that was heard.
    indirect case gaveUp(FleetError, after: Duration)
}

extension HostName {
    /// The text without this host's name before it.
    func leftOut(of text: String) -> String {
        let name = "\(self): "
        return text.hasPrefix(name) ? String(text.dropFirst(name.count)) : text
    }
}

extension FleetError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unreachable(let host, let reason):
            "\(host): its agent cannot be reached (\(reason)); see that mitosis-agent runs and its port is open"
        case .replyLost(let host, let reason):
            "\(host): the connection to its agent was lost (\(reason)); what was asked may have happened"
        case .refused(let host, let refusal): "\(host): its agent refused: \(refusal)"
        case .failed(let host, let reason), .broken(let host, let reason): "\(host): \(reason)"
        case .gaveUp(.refused(let host, .noLease), let patience):
            "\(host): its lease had lapsed; gave up after \(patience)"
        case .gaveUp(let last, let patience): "\(last); gave up after \(patience)"
        }
    }
}

extension FleetError {
    package var host: HostName {
        switch self {
        case .unreachable(let host, _), .replyLost(let host, _), .refused(let host, _), .failed(let host, _),
            .broken(let host, _):
            host
        case .gaveUp(let last, _): last.host
        }
    }

    /// The same without the host's name before it.
    package var reason: String { host.leftOut(of: description) }

    /// The one place where what a client met becomes what the procedure is told.
    init(_ error: AgentClientError) {
        switch error {
        case .unreachable(let host, let reason): self = .unreachable(host: host, reason: reason)
        case .replyLost(let host, let reason): self = .replyLost(host: host, reason: reason)
        // The agent is on its way up or down, and did nothing.
        case .refused(let host, 503, let reply): self = .unreachable(host: host, reason: reply.error)
        case .refused(let host, _, let reply):
            self =
                reply.refusal.map { .refused(host: host, refusal: $0) }
                ?? .broken(host: host, reason: reply.error)
        case .identity(let host, _), .overlong(let host, _), .protocolViolation(let host, _),
            .unbelievable(let host, _):
            self = .broken(host: host, reason: "\(error)")
        }
    }
}

extension CommandOutcome {
    /// What the command brought about on `host`; every other outcome is thrown.
    package func result(of host: HostName) throws(FleetError) -> CommandResult {
        switch self {
        case .done(let result): return result
        case .refused(let refusal): throw .refused(host: host, refusal: refusal)
        case .failed(let message): throw .failed(host: host, reason: message)
        }
    }
}
