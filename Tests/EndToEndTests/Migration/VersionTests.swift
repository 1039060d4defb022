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
    @Test("3.4.6 divides although it is young and has no snapshot yet", .hangLimit)
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

    @Test(
        "`mitosis-lab run --zookeeper 3.4.6,3.8.0` makes one into the other in one division, and `down` takes its lab down",
        .hangLimit
    )
    func upgrade() async throws {
        let filling = try TreeFilling(znodes: 300, znodeSize: 200, sessions: 3)
        try await LabFixture.withLab(
            strategy: .observers,
            zooKeeper: try ZooKeeperPair("3.4.6,3.8.0"),
            filling: filling
        ) { lab in
            let (program, name) = (lab.binaries.lab, lab.configuration.name)
            let file = lab.configuration.directory + "-summary.json"
            let ended = try await Tool([
                program, "run", "--name", name, "--zookeeper", "3.4.6,3.8.0", "--strategy", "observers",
                "--hosts", "processes", "--znodes", "300", "--znode-size", "200", "--sessions", "3",
                "--settle", "2", "--keep", "--json", file,
            ]).outcome()
            #expect(ended.succeeded, "\(ended.output.suffix(3000))\(ended.errors.suffix(1000))")
            #expect(ended.output.contains("ZooKeeper: 3.4.6 on the source, "))
            for line in [
                "Nothing was lost, and nothing is left.",
                "The lab is still up: mitosis-lab status|down --name \(name)",
            ] {
                #expect(ended.output.contains(line + "\n"), "\(line): \(ended.output.suffix(3000))")
            }
            let summary = try #require(try RecordFile.read(LabSummary.self, at: file))
            #expect(summary.problems == [])
            try Folder.remove(file)
            #expect(
                try RecordFile.read(LabConfiguration.self, at: lab.layout.configuration) == lab.configuration
            )
            // What was filled in is on both sides: the folder of a thousand, its root, the nodes.
            for side in Workload.sides {
                for server in try await lab.ensemble(side) {
                    #expect((server.nodes ?? 0) >= filling.znodes + 2, "\(server)")
                }
            }

            let status = try await Tool([program, "status", "--name", name]).outcome()
            #expect(status.output.split(separator: "\n").count { $0.contains(" leader, ") } == 2, "\(status)")
            let running = try await LabTests.processes(of: lab)
            #expect(running.count >= 6)
            let down = try await Tool([program, "down", "--name", name]).outcome()
            #expect(down.succeeded, "\(down.diagnostics)")
            #expect(try await lab.leftNamespaces().isEmpty && running.allSatisfy { !$0.isRunning })
            #expect(FileManager.default.fileExists(atPath: lab.layout.summary))
            let purged = try await Tool([program, "down", "--name", name, "--purge"]).outcome()
            #expect(purged.succeeded, "\(purged.diagnostics)")
            #expect(!FileManager.default.fileExists(atPath: lab.layout.root))
        }
    }

    @Test("a version that the lab does not know is refused, with those that it does, and nothing is set up")
    func unknown() async throws {
        let name = "test\(UInt32.random(in: 0..<1_000_000))"
        let ended = try await Tool([
            try Binaries.find().lab, "run", "--name", name, "--zookeeper", "3.4.6,3.99.0",
        ]).outcome()
        #expect(ended.status == 1, "\(ended.diagnostics)")
        #expect(ended.errors.contains("the lab knows no ZooKeeper '3.99.0': use 3.4.6, "), "\(ended.errors)")
        #expect(!FileManager.default.fileExists(atPath: "/var/tmp/mitosis-lab/\(name)"))
    }
}
