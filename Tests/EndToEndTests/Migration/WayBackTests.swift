import Glibc
import LabKit
import Testing

/// The whole way back from a division, under writing clients, whose coordinator dies on it.
@Suite(
    "The way back from a division",
    .serialized,
    .countingIssues,
    .enabled(if: LabFixture.isPossible, "a lab needs root")
)
struct WayBackTests {
    @Test(
        "a coordinator killed after the split, and again in the middle of the way back: nothing is lost, all is as before",
        .hangLimit,
        arguments: LossTests.strategies
    )
    func killedTwice(_ strategy: LabConfiguration.Strategy) async throws {
        try await LabFixture.withLab(strategy: strategy) { lab in
            try await lab.up()
            let coordinator = Coordinator(lab: lab)
            let workload = Workload(lab)
            try await workload.start(seconds: 900)
            try await workload.waitUntilWriting(.source, seconds: 60)
            let before = try await Surroundings(lab)

            try await coordinator.runAndDie(after: "division.split")
            #expect(!coordinator.happened("stepFinished", "division.start"))

            let back = try coordinator.start("rollback")
            try await coordinator.waitForStep(
                strategy == .participants ? "withdraw.roll-source-1" : "withdraw.stop-seeds"
            )
            back.signal(SIGKILL)
            #expect(await back.isGone(within: .seconds(30)))
            let refused = try await coordinator.run()
            #expect(refused.status == 1)
            #expect(refused.errors.contains("is on the way back to what was before it"), "\(refused.errors)")
            let cleaning = try await coordinator.perform(["rules", "clean", lab.layout.plan])
            #expect(cleaning.status == 1)
            #expect(cleaning.errors.contains("go on with `mitosis rollback`"), "\(cleaning.errors)")

            let second = try await coordinator.withdraw()
            try #require(second.succeeded, "\(second.diagnostics)")
            #expect(try await Surroundings(lab) == before)
            for host in lab.configuration.destinationHosts {
                let left = try Folder.entries(lab.layout.host(host).data)
                #expect(!left.contains("version-2"), "\(host.name): \(left)")
            }

            let again = try await coordinator.run()
            #expect(again.succeeded, "\(again.diagnostics)")
            let summary = try await LabRun(lab).summarize(again.status, workload)
            #expect(summary.source.lost.isEmpty && summary.destination.lost.isEmpty)
            #expect(summary.source.acknowledged > 50 && summary.destination.acknowledged > 50)
        }
    }
}
