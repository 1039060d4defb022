import ControlProtocol
import Testing
import Topology

/// What an agent says of a host that runs ZooKeeper.
enum StatusFixture {
    static let noLease = LeaseState(highestEpoch: FencingEpoch(0), current: nil, holder: nil, expiresAt: nil)

    static func status(
        _ host: HostName,
        view: [Member]?,
        rules: Int = 0,
        walled: [IPAddress] = [],
        isWatched: Bool? = nil,
        lease: LeaseState = noLease,
        role: ServerStats.Role? = .follower,
        state: ServiceState = .running(pid: 4711)
    ) -> HostStatus {
        let stats = role.map { role in
            ServerStats(
                version: ServerVersion(3, 8, 0),
                role: role,
                zxid: Zxid(epoch: 1, counter: 42),
                connections: 3,
                outstanding: 0,
                nodeCount: 1234,
                syncedFollowers: nil
            )
        }
        return HostStatus(
            host: host,
            agentVersion: "test",
            protocolVersion: 1,
            clock: 0,
            agentStartedAt: 0,
            lease: lease,
            rules: InstalledRules(
                backend: .nftables,
                wall: walled.isEmpty ? nil : Wall(peers: walled, scope: .allTCP),
                count: rules,
                counters: [],
                listing: rules == 0 ? "" : "table inet mitosis {\n}",
                isWatched: isWatched
            ),
            zookeeper: ZooKeeperStatus(
                service: "zookeeper",
                state: state,
                processStartedAt: nil,
                configPath: "/zoo.cfg",
                file: FileState(
                    path: "/zoo.cfg",
                    digest: "ab",
                    size: nil,
                    mode: nil,
                    owner: nil,
                    group: nil,
                    symlinkTarget: nil,
                    changedAt: nil
                ),
                fileView: view,
                runningView: view,
                serving: stats.map { .yes(stats: $0) } ?? .looking,
                data: DataDirectory(
                    path: "/data",
                    logPath: "/data",
                    isEmpty: false,
                    myid: 1,
                    currentEpoch: 1,
                    acceptedEpoch: 1,
                    lastZxid: Zxid(epoch: 1, counter: 41),
                    problems: []
                ),
                peerSockets: nil,
                diskFree: nil
            )
        )
    }
}

extension HostName {
    static func parsed(_ text: String) throws -> HostName { try #require(HostName(text)) }
}
