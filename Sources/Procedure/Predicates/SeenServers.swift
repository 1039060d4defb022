import ControlProtocol
import Settings
import Topology

extension FleetView {
    typealias Seen = (server: PlannedServer, zookeeper: ZooKeeperStatus)

    /// Servers whose agents answered; the others are for `agents` to tell.
    func seen(_ servers: [PlannedServer]) -> [Seen] {
        servers.compactMap { server in zookeeper(server.host).map { (server, $0) } }
    }

    /// Those of them that use the plan's file; of others it is not known which directories and ports they use.
    func onPlan(_ servers: [PlannedServer]) -> [Seen] {
        seen(servers).filter { $0.zookeeper.configPath == $0.server.configPath }
    }

    func running(_ servers: [PlannedServer]) -> [Seen] {
        onPlan(servers).filter { $0.zookeeper.pid != nil }
    }
}
