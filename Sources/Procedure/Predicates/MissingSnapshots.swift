import ControlProtocol
import Settings
import Topology

extension ZooKeeperVersion {
    /// Whether a server of this version starts from logs without any snapshot, as a young or quiet one of 3.4 has none.
    ///
    /// Later ones take such a directory for damaged (ZOOKEEPER-2325).
    var startsFromLogsAlone: Bool { self < ZooKeeperVersion(3, 5, 0) }
    /// Whether it can be told to do so, all the same (ZOOKEEPER-3056).
    var canTrustEmptySnapshot: Bool { startsFromLogsAlone || self >= ZooKeeperVersion(3, 5, 6) }
}

extension ZooKeeperStatus {
    var version: ZooKeeperVersion? { stats.flatMap { ZooKeeperVersion($0.version.description) } }
}

extension FleetView {
    /// Why a server would not start again from what its directory holds; nil when it would, or what it holds is told elsewhere.
    ///
    /// - Parameters:
    ///   - peers: whose version counts where the server's own is not known, as it does not serve.
    ///   - file: where the server is told to start without one, unless its command line does.
    func missingSnapshot(on host: HostName, as peers: [HostName], _ file: ZooConfiguration?) -> String? {
        guard let zookeeper = zookeeper(host) else { return nil }
        let data = zookeeper.data
        guard data.snapshot == nil, !data.isEmpty, data.problems.isEmpty else { return nil }
        let versions = zookeeper.version.map { [$0] } ?? peers.compactMap { self.zookeeper($0)?.version }
        if !versions.isEmpty, versions.allSatisfy(\.startsFromLogsAlone) { return nil }
        let told =
            file?["snapshot.trust.empty"] ?? zookeeper.javaProperties?[ToldProperties.trustEmptySnapshot]
        if told?.lowercased() == "true", versions.allSatisfy(\.canTrustEmptySnapshot) { return nil }
        let version = versions.max().map { " \($0)" } ?? ""
        return
            "\(host): there is no complete snapshot in \(data.path), and ZooKeeper\(version) does not start "
            + "from logs alone: empty the directory or put a snapshot back"
    }
}
