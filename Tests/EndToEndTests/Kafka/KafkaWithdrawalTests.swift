import LabKit
import Testing

/// From the joint ensemble to what was before, with real brokers, and forward again.
@Suite(
    "The whole way back",
    .serialized,
    .countingIssues,
    .enabled(if: LabFixture.isPossible, "a lab needs root"),
    .enabled(if: LabFixture.kafkaObstacle == nil, "\(LabFixture.kafkaObstacle ?? "")")
)
struct KafkaWithdrawalTests {
    @Test(
        "a joint ensemble with its brokers moved goes back to what was before, and a second run to its end",
        .hangLimit
    )
    func backAndForth() async throws {
        try await LabFixture.withLab(brokers: 3) { lab in
            try await lab.up()
            let coordinator = Coordinator(lab: lab)
            let workload = Workload(lab)
            try await workload.start(seconds: 900)
            try await workload.waitUntilWriting(.source, seconds: 60)
            let before = try await Surroundings(lab)
            try #require(before.rules == 0 && before.brokers == [1, 2, 3])

            let joined = try await coordinator.run(["--yes", "--until", "repoint"])
            try #require(joined.succeeded, "\(joined.diagnostics)")
            let joint = try await Surroundings(lab)
            #expect(
                joint.files.count { before.files[$0.key] != $0.value } == 3 + lab.configuration.seeds.count
                    + 3
            )
            let seeds = try await lab.ensemble(.destination).filter { $0.mode != nil }.count
            #expect(seeds == lab.configuration.seeds.count)
            let status = try await coordinator.perform(["status", lab.layout.plan])
            #expect(status.output.contains("  joint: ") && status.output.contains("`mitosis rollback`"))
            let refused = try await coordinator.rollback()
            #expect(refused.status == 1)
            #expect(
                refused.errors.contains("nothing is to be taken back to the joint ensemble"),
                "\(refused.errors)"
            )

            let back = try await coordinator.withdraw()
            try #require(back.succeeded, "\(back.diagnostics)")
            #expect(back.output.contains("all is as it was before the run"))
            #expect(try await Surroundings(lab) == before)
            let state = try await lab.kafkaState()
            #expect(state.underReplicated.isEmpty)
            for host in lab.configuration.destinationHosts {
                let left = try Folder.entries(lab.layout.host(host).data)
                #expect(!left.contains("version-2"), "\(host.name): \(left)")
                guard lab.configuration.seeds.contains(host) else { continue }
                let run = try #require(left.first { $0.hasPrefix("mitosis-") }, "\(host.name): \(left)")
                #expect(try Folder.entries(lab.layout.host(host).data + "/" + run) == ["set-aside-1"])
            }
            let history = try await coordinator.perform(["history", lab.layout.plan])
            #expect(history.output.split(separator: "\n").first?.hasSuffix("  withdrawn") == true)

            let again = try await coordinator.run()
            #expect(again.succeeded, "\(again.diagnostics)")
            let summary = try await LabRun(lab).summarize(again.status, workload)
            #expect(summary.source.lost.isEmpty && summary.destination.lost.isEmpty)
            let moved = try await lab.kafkaState(.destination)
            #expect(moved.brokers.map(\.id) == [1, 2, 3] && moved.underReplicated.isEmpty)
        }
    }
}
