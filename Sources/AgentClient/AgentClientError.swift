package import ControlProtocol
import Printable

/// Why a call to an agent gave no result.
package enum AgentClientError: Error, Hashable, Sendable {
    /// Nothing was sent: the agent did nothing.
    case unreachable(host: HostName, reason: String)
    /// One side refused the other's certificate: the agent did nothing.
    case identity(host: HostName, reason: String)
    /// The request was sent, wholly or in part, and no complete answer came: it may have happened.
    case replyLost(host: HostName, reason: String)
    /// The agent said no.
    case refused(host: HostName, status: Int, reply: ErrorReply)
    /// The agent says without end that it is at it: it may have happened.
    case overlong(host: HostName, after: Duration)
    /// The answer makes no sense.
    case protocolViolation(host: HostName, detail: String)
    /// The answer says what cannot be; none of it is believed.
    case unbelievable(host: HostName, detail: String)
}

extension AgentClientError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unreachable(let host, let reason):
            "cannot reach the agent of \(host): \(reason); see that it runs and that its port is open"
        case .identity(let host, let reason):
            "the agent of \(host) and this side do not trust each other: \(reason)"
        case .replyLost(let host, let reason):
            "the answer of \(host)'s agent was lost (\(reason)): what was asked may have happened; look before repeating"
        case .refused(let host, let status, let reply): "\(host)'s agent refused (\(status)): \(reply.error)"
        case .overlong(let host, let limit):
            "the agent of \(host) says after \(limit) still that it is at what was asked, which is longer than that takes: "
                + "it may have happened; look at that host and its agent"
        case .protocolViolation(let host, let detail):
            "\(host)'s agent answered what this version does not understand: \(PrintableText(detail, limit: 500)); compare the versions"
        case .unbelievable(let host, let detail):
            "\(host)'s agent says what cannot be: \(PrintableText(detail, limit: 500)). Nothing of it is believed; look at that host and its agent"
        }
    }
}
