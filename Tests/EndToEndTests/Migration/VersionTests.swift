import FoundationEssentials
import LabKit
import Testing

/// Divisions of other ZooKeepers than Debian's; `make matrix` has all that there are.
@Suite(
    "a mitosis of other versions",
    .serialized,
    .countingIssues,
    .enabled(if: LabFixture.isPossible && LabFixture.kafkaObstacle == nil, "a lab needs root and log4j")
)
struct VersionTests {
    @Test("3.4.6 divides although it is young and has no snapshot yet", .timeLimit(.minutes(6)))
    func young() async throws {
        try await LabFixture.withLab(zooKeeper: try ZooKeeperPair("3.4.6")) { lab in
            try await lab.up()
            let snapshots = try lab.configuration.sourceHosts.map { host -> Int in
                let names = try Folder.entries(lab.layout.host(host).data + "/version-2")
                return names.count { $0.hasPrefix("snapshot.") }
            }
            #expect(snapshots.contains(0), "\(snapshots)")
            let summary = try await LabRun(lab, settle: .seconds(2)).perform()
            #expect(summary.problems == [])
        }
    }

    @Test("3.4.6 becomes 3.8.0 in one division, and the source is not touched", .timeLimit(.minutes(6)))
    func upgrade() async throws {
        let filling = try TreeFilling(znodes: 300, znodeSize: 200, sessions: 3)
        try await LabFixture.withLab(
            strategy: .observers,
            zooKeeper: try ZooKeeperPair("3.4.6,3.8.0"),
            filling: filling
        ) { lab in
            try await lab.up()
            let summary = try await LabRun(lab, settle: .seconds(2)).perform()
            #expect(summary.problems == [])
            // What was filled in is on both sides: the folder of a thousand, its root, the nodes.
            for side in Workload.sides {
                for server in try await lab.ensemble(side) {
                    #expect((server.nodes ?? 0) >= filling.znodes + 2, "\(server)")
                }
            }
        }
    }
}
