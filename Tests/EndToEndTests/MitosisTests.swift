import LabKit
import Testing

@Suite("A mitosis", .serialized, .countingIssues, .enabled(if: LabFixture.isPossible, "a lab needs root"))
struct MitosisTests {
    @Test(
        "divides a real ensemble under writing clients and loses nothing",
        .timeLimit(.minutes(5)),
        arguments: [(3, 3), (5, 3), (3, 5)]
    )
    func divides(sources: Int, destinations: Int) async throws {
        try await LabFixture.withLab(sources: sources, destinations: destinations) { lab in
            try await lab.up()
            let summary = try await LabRun(lab).perform()
            #expect(summary.problems == [])
            #expect(summary.source.mixingChecked && summary.destination.mixingChecked)
            #expect(summary.stages.map(\.name).contains("division"))
            #expect((summary.destination.gapInWindow ?? 0) > 0.2)
        }
    }

    @Test(
        "divides an ensemble whose hosts run systemd",
        .timeLimit(.minutes(5)),
        .enabled(if: Lab.systemdObstacle() == nil, "\(Lab.systemdObstacle() ?? "")")
    )
    func dividesUnderSystemd() async throws {
        try await LabFixture.withLab(mode: .systemd) { lab in
            try await lab.up()
            let summary = try await LabRun(lab).perform()
            #expect(summary.problems == [])
        }
    }
}
