import ControlProtocol
import Topology

/// What is seen of the servers that vote in an ensemble (trap 2): one leads, all others follow and are synced.
struct Voters {
    private(set) var leaders: [HostName] = []

    /// What is wrong with a server that serves like this; nil for a voter.
    mutating func note(_ stats: ServerStats, of host: HostName) -> String? {
        switch stats.role {
        case .leader:
            leaders.append(host)
            return nil
        case .follower: return nil
        case .observer, .standalone: return "\(host) serves as \(stats.role.rawValue), not as a voter"
        }
    }

    /// Nil unless exactly one leads.
    var leader: HostName? { leaders.count == 1 ? leaders.first : nil }

    /// How many followers the leader counts as synced, if those are not all others of so many; nil when they are, or when
    /// it does not say.
    func synced(_ fleet: FleetView, tooFewOf servers: Int) -> Int? {
        leader.flatMap { fleet.stats($0)?.syncedFollowers }.flatMap { $0 < servers - 1 ? $0 : nil }
    }
}

extension FleetView {
    static func looking(_ host: HostName) -> String { "\(host) is looking for a leader" }

    /// Why a host's server does not serve, and whether it may come to; nil when it does.
    func idleness(of host: HostName) -> Verdict? {
        if let silence = silence(host) { return .waiting(reason: silence) }
        guard let zookeeper = zookeeper(host) else { return nil }
        switch zookeeper.serving {
        case .yes: return nil
        case .looking: return .waiting(reason: Self.looking(host))
        case .unreachable(let reason):
            if case .failed(let why) = zookeeper.state {
                return .never(reason: "\(host): its service has failed: \(why)")
            }
            return .waiting(reason: "\(host) does not answer on its client port: \(reason)")
        }
    }
}
