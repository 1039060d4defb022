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
    /// A host of the inventory that the plan refers to; the plan itself says nothing of it.
    case listed(HostName)
    /// What a resolver says of the address.
    case resolved(String)
    case unknown

    /// By every address that the inventory of the plan has, where it refers to one.
    static func listed(by plan: MigrationPlan) -> [IPAddress: HostName] {
        var found: [IPAddress: HostName] = [:]
        for host in plan.sharedInventory?.hosts ?? [] {
            for address in [IPAddress(host.address)].compactMap({ $0 }) + host.allAddresses
            where found[address] == nil {
                found[address] = host.host
            }
        }
        return found
    }

    /// Whether its connections to either side say nothing of who moves.
    var standsAside: Bool {
        switch self {
        case .ignored, .server, .coordinator: true
        case .broker, .client, .listed, .resolved, .unknown: false
        }
    }

    /// Whether the plan says who it is.
    var isKnown: Bool {
        switch self {
        case .listed, .resolved, .unknown: false
        case .ignored, .broker, .client, .server, .coordinator: true
        }
    }

    /// After an address, in brackets; empty where there is no name.
    package var inBrackets: String { self == .unknown ? "" : " (\(self))" }

    /// Whether its connections to the source are explained: brokers are looked at one by one.
    var mayStay: Bool {
        switch self {
        case .ignored, .server, .coordinator, .broker: true
        case .client, .listed, .resolved, .unknown: false
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
        case .listed(let host): "\(host) of the inventory"
        case .resolved(let name): "\(name) by DNS"
        case .unknown: "unknown"
        }
    }
}
