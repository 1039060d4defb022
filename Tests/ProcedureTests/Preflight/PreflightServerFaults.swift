import ControlProtocol
import Procedure
import Settings
import Topology

/// Faults of the two ensembles.
extension Fault {
    static let source = [
        Fault(
            "versions that cannot grow",
            .zookeeperVersion,
            "s1 runs ZooKeeper 3.6.1",
            "s3 runs ZooKeeper 3.6.1",
            "strategy: observers",
            make: odd("s1", "s2", "s3") { $0.version = ServerVersion(3, 6, 1) }
        ),
        Fault(
            "a version that can lose data",
            .knownFaults,
            "ZOOKEEPER-4925 on s1 (3.9.3), s2 (3.9.3), s3 (3.9.3): data loss",
            "ZOOKEEPER-4925 on d4 (3.9.3), d5 (3.9.3), d6 (3.9.3): data loss",
            "use 3.9.4 or later",
            make: odd("s1", "s2", "s3", "d4", "d5", "d6") { $0.version = ServerVersion(3, 9, 3) }
        ),
        Fault(
            "a source of several versions",
            .versionPair,
            "the source runs several versions: 3.8.0, 3.8.4",
            verdict: .warn,
            make: odd("s2") { $0.version = ServerVersion(3, 8, 4) }
        ),
        Fault(
            "a destination that is older, as its own libraries say before it runs",
            .versionPair,
            "ZooKeeper 3.8.0 becomes 3.6.3, an older version",
            make: odd("d4", "d5", "d6") { $0.version = ServerVersion(3, 6, 3) }
        ),
        Fault(
            "a destination of an older release",
            .versionPair,
            "ZooKeeper 3.8.4 becomes 3.8.0, an older release: never tried",
            verdict: .warn,
            make: odd("s1", "s2", "s3") { $0.version = ServerVersion(3, 8, 4) }
        ),
        Fault("source servers that are stopped", .sourceEnsemble, "s1: zookeeper.service is stopped") {
            model in
            if let name = HostName("s1") { model.stop(name) }
        },
        Fault("two leaders", .sourceEnsemble, "all lead") { model in
            for host in ["s1", "s2", "s3"] { model.make(host) { $0.role = .leader } }
        },
        Fault(
            "no leader",
            .sourceEnsemble,
            "no source server leads",
            make: odd("s1", "s2", "s3") { $0.role = .follower }
        ),
        Fault(
            "a leader that may not serve",
            .sourceEnsemble,
            "s2: its process was started with -Dzookeeper.leaderServes=no: once it leads it answers nobody"
        ) { model in
            if let name = HostName("s2") {
                model.hosts[name]?.javaProperties[ToldProperties.leaderServes] = "no"
            }
            // The file's key counts before the property.
            if let name = HostName("s3") {
                model.hosts[name]?.javaProperties[ToldProperties.leaderServes] = "no"
            }
            model.edit("s3", "# kept", "leaderServes=yes")
        },
        Fault(
            "a standalone server",
            .sourceEnsemble,
            "s1 serves as standalone, not as a voter",
            make: odd("s1") { $0.role = .standalone }
        ),
        Fault(
            "other running views",
            .sourceEnsemble,
            "s1: its process runs another view than the plan's (ids )",
            "s2: which view its process runs is not known"
        ) { model in
            model.make("s1") { $0.runningView = .some([]) }
            model.make("s2") { $0.runningView = .some(nil) }
        },
        Fault(
            "followers out of sync",
            .sourceEnsemble,
            "leads, 1 of 2 followers are in sync",
            make: odd("s1", "s2", "s3") { $0.syncedFollowers = 1 }
        ),
        Fault(
            "servers that refuse srvr",
            .fourLetterWords,
            "s1 refuses `srvr`",
            "s3 refuses `srvr`",
            make: odd("s1", "s3") { $0.isSilenced = true }
        ),
        Fault(
            "a root that takes no node",
            .writeCanary,
            "a canary cannot be written: no authentication",
            "ACL"
        ) { $0.isReadOnly = true },
        Fault(
            "unplanned addresses",
            .peerAddresses,
            "s1 is connected to 192.0.2.9",
            "s2 is connected to 192.0.2.9",
            make: odd("s1", "s2") { $0.strangers = [IPAddress("192.0.2.9")].compactMap(\.self) }
        ),
        Fault(
            "connections that are not known",
            .peerAddresses,
            "s1 cannot tell which connections it has",
            make: odd("s1") { $0.hidesSockets = true }
        ),
    ]

    static let destination = [
        Fault(
            "ids that are not in place",
            .serverIDs,
            "s1: /data/myid holds 9, the plan says 1",
            "d4: /data/myid holds no id, the plan says 4"
        ) { model in
            model.make("s1") { $0.myid = .some(9) }
            model.make("d4") { $0.myid = .some(nil) }
        },
        Fault(
            "epochs out of order",
            .epochs,
            "s1: acceptedEpoch 3 is below currentEpoch 4",
            "s2: acceptedEpoch 3",
            "Never edit",
            make: odd("s1", "s2") { ($0.acceptedEpoch, $0.currentEpoch) = (3, 4) }
        ),
        Fault(
            "epochs of an earlier life",
            .epochs,
            "d4: /data/version-2 holds epoch 7 of an earlier life, and no data",
            make: odd("d4") { ($0.acceptedEpoch, $0.currentEpoch) = (7, 7) }
        ),
        Fault(
            "data that cannot be read",
            .dataDirectories,
            "s1: log.1: a finished record with a wrong checksum",
            "d4: cannot list",
            make: { model in
                model.make("s1") { $0.problems = ["log.1: a finished record with a wrong checksum"] }
                model.make("d4") { $0.problems = ["cannot list /data/version-2"] }
            }
        ),
        Fault(
            "a source server whose log has a hole",
            .dataDirectories,
            "s2: its log lacks 0x100000002 to 0x100000004, which its next start would lose",
            make: odd("s2") {
                $0.missing = [ZxidRange(Zxid(epoch: 1, counter: 2), through: Zxid(epoch: 1, counter: 4))]
            }
        ),
        Fault(
            "logs without a snapshot, which only 3.4 starts from",
            .dataDirectories,
            "s2: there is no complete snapshot in /data, and ZooKeeper 3.8.0 does not start from logs alone",
            make: odd("s2") { $0.isYoung = true }
        ),
        Fault(
            "too little space",
            .dataDirectories,
            "d4: 100 MiB free for /data, 148 needed",
            "d5: 100 MiB free",
            make: odd("d4", "d5") { $0.diskFree = 100 << 20 }
        ),
        Fault(
            "destination servers that run",
            .destinationStopped,
            "d4: zookeeper.service runs (pid",
            "d5: zookeeper.service has failed: crash"
        ) { model in
            if let name = HostName("d4") { model.start(name) }
            model.make("d5") { $0.state = .failed(reason: "crash") }
        },
        Fault(
            "something listens",
            .destinationStopped,
            "d4: zookeeper.service is stopped, and yet something listens on port 2181, 3888"
        ) { model in
            model.make("d5") { odd in
                for port in [2181, 3888] {
                    if let target = target("198.51.100.14", port) { odd.answers[target] = .connected }
                }
            }
        },
        Fault("data on the destination", .destinationData, "d4: /data is not empty", "d6: /data is not empty")
        { model in
            for host in ["d4", "d6"] { if let name = HostName(host) { model.hosts[name]?.disk = Zxid(7) } }
        },
    ]
}
