package import ControlProtocol
import Topology

/// What one agent said when asked, or why it said nothing.
package enum Observation: Hashable, Sendable {
    case status(HostStatus)
    case silent(reason: String)
}

/// One look at the fleet: every gate is judged on such a value and on nothing else.
package struct FleetView: Hashable, Sendable {
    package var hosts: [HostName: Observation]
    /// Answers to the probes a gate asked for, by the host that probed.
    package var probes: [HostName: [ProbeResult]]

    package init(hosts: [HostName: Observation] = [:], probes: [HostName: [ProbeResult]] = [:]) {
        self.hosts = hosts
        self.probes = probes
    }

    package func status(_ host: HostName) -> HostStatus? {
        switch hosts[host] {
        case .status(let status): status
        case .silent, nil: nil
        }
    }

    package func zookeeper(_ host: HostName) -> ZooKeeperStatus? { status(host)?.zookeeper }

    package func stats(_ host: HostName) -> ServerStats? { zookeeper(host)?.stats }

    /// Why a host cannot be judged, or nil when it can.
    package func silence(_ host: HostName) -> String? {
        switch hosts[host] {
        case .status(let status):
            status.zookeeper == nil ? "\(host): its agent's configuration names no ZooKeeper" : nil
        case .silent(let reason): "\(host): \(reason)"
        case nil: "\(host): not observed"
        }
    }
}

extension ZooKeeperStatus {
    package var stats: ServerStats? {
        switch serving {
        case .yes(let stats): stats
        case .looking, .unreachable: nil
        }
    }

    package var pid: Int32? {
        switch state {
        case .running(let pid): pid
        case .changing, .stopped, .failed: nil
        }
    }
}
