package import ControlProtocol
import Settings
package import Topology

/// Who is at an address, as far as the plan knows.
package enum ClientName: Hashable, Sendable {
    case ignored(reason: String)
    case broker(BrokerID, HostName)
    /// A host of the plan that runs ZooKeeper, and an agent.
    case server(HostName)
    /// The host of this program.
    case coordinator
    case unknown

    /// Whether its connections to either side say nothing of who moves.
    var standsAside: Bool {
        switch self {
        case .ignored, .server, .coordinator: true
        case .broker, .unknown: false
        }
    }

    var isKnown: Bool { self != .unknown }
}

extension ClientName: CustomStringConvertible {
    package var description: String {
        switch self {
        case .ignored(let reason): "ignored: \(reason)"
        case .broker(let id, let host): "broker \(id) (\(host))"
        case .server(let host): "ZooKeeper host \(host)"
        case .coordinator: "coordinator"
        case .unknown: "unknown"
        }
    }
}
