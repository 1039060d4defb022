package import ControlProtocol
import Settings
package import Topology

/// Who is at an address, as far as the plan knows.
package enum ClientName: Hashable, Sendable {
    case ignored(reason: String)
    case broker(BrokerID, HostName)
    /// One that the plan moves, by the plan's word for it.
    case client(String, HostName)
    /// A host of the plan that runs ZooKeeper, and an agent.
    case server(HostName)
    /// The host of this program.
    case coordinator
    case unknown

    /// Whether its connections to either side say nothing of who moves.
    var standsAside: Bool {
        switch self {
        case .ignored, .server, .coordinator: true
        case .broker, .client, .unknown: false
        }
    }

    var isKnown: Bool { self != .unknown }

    /// Whether its connections to the source are explained: brokers are looked at one by one.
    var mayStay: Bool {
        switch self {
        case .ignored, .server, .coordinator, .broker: true
        case .client, .unknown: false
        }
    }
}

extension ClientName: CustomStringConvertible {
    package var description: String {
        switch self {
        case .ignored(let reason): "ignored: \(reason)"
        case .broker(let id, let host): "broker \(id) (\(host))"
        case .client(let name, let host): "client \(name) (\(host))"
        case .server(let host): "ZooKeeper host \(host)"
        case .coordinator: "coordinator"
        case .unknown: "unknown"
        }
    }
}
