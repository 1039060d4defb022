import ControlProtocol
import Settings
import Topology

extension FleetView {
    /// Quorum and election connections of a host's server to addresses that the plan does not name (trap 23): rules and
    /// proofs are made of the plan's.
    ///
    /// Nil when its agent cannot tell which connections it has.
    func strangers(of host: HostName, in plan: MigrationPlan) -> [PeerSocket]? {
        let known = Set(plan.servers.flatMap(\.allAddresses))
        return zookeeper(host)?.peerSockets?.filter { !known.contains($0.remoteAddress) }
    }
}
