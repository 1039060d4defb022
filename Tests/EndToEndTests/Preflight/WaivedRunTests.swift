import LabKit
import Testing

/// A run that does without a check, on the real thing.
@Suite(
    "A run with a waiver",
    .serialized,
    .countingIssues,
    .enabled(if: LabFixture.isPossible, "a lab needs root")
)
struct WaivedRunTests {
    @Test(
        "is refused without it, goes on with it, says so, and keeps finding and reason in its journal",
        .hangLimit
    )
    func waived() async throws {
        try await LabFixture.withLab { lab in
            try await lab.up()
            let bench = Bench(lab: lab)
            let coordinator = Coordinator(lab: lab)
            let copy = try bench.files("d1").run + "/dockerd"
            try await Tool(["cp", "/usr/bin/sleep", copy]).output(step: "copying")
            let process = try bench.launch([copy, "600"], on: "d1")

            let refused = try await coordinator.run([])
            #expect(refused.status == 1)
            #expect(
                refused.output.contains("rule-managers: d1: dockerd runs (pid \(process.pid)). Stop it"),
                "\(refused.diagnostics)"
            )
            let waiver = "\nwaivers: [{check: rule-managers, reason: it is not restarted tonight}]\n"
            _ = try bench.addToPlan { $0 + waiver }
            let output = try await coordinator.preflight()
            #expect(output.failed == 0 && output.waived == 1, "\(output.faults)")
            let finding = try #require(output.finding("rule-managers"))
            #expect(finding.verdict == "waived" && finding.waiver == "it is not restarted tonight")

            // As far as the question before the division, which nobody answers.
            let joined = try await coordinator.run([])
            #expect(joined.output.contains("not confirmed"), "\(joined.diagnostics)")
            let said = "rule-managers (it is not restarted tonight): d1: dockerd runs (pid \(process.pid))"
            #expect(joined.output.contains("waived: " + said), "\(joined.output)")
            let history = try await coordinator.perform(["history", lab.layout.plan])
            #expect(history.output.contains("  waived: \(said)\n"), "\(history.diagnostics)")
            try await bench.end(process)
        }
    }
}
