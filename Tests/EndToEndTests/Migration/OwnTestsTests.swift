import FoundationEssentials
import LabKit
import Testing

/// The operator's own tests, in a real run.
@Suite(
    "The operator's own tests",
    .serialized,
    .countingIssues,
    .enabled(if: LabFixture.isPossible, "a lab needs root")
)
struct OwnTestsTests {
    @Test(
        "one that fails after the join keeps the run from dividing, and says so; mended, the run goes on; the report has both",
        .timeLimit(.minutes(10))
    )
    func mended() async throws {
        try await LabFixture.withLab { lab in
            try await lab.up()
            let (good, page) = (lab.layout.control + "/good", lab.layout.control + "/report.html")
            let script =
                "echo $MITOSIS_TEST $MITOSIS_WHEN looks; test $MITOSIS_WHEN != joint || test -e \(good)"
            _ = try Bench(lab: lab).addToPlan {
                $0
                    + "\ntests:\n  - {name: orders, run: [sh, -c, \"\(script)\"], seconds: 30, when: [before, joint, divided, after]}\n"
            }
            let coordinator = Coordinator(lab: lab)
            let stopped = try await coordinator.run()
            #expect(stopped.status == 1)
            for word in [
                "test 'orders' failed: it exited with 1", "orders joint looks", "The migration is joint",
            ] {
                #expect(stopped.output.contains(word), "\(word): \(stopped.output.suffix(1500))")
            }
            #expect(coordinator.happened("stepFinished", "preflight.test-1"))
            #expect(!coordinator.happened("stepFinished", "division.detach"))

            try Data().write(to: URL(filePath: good))
            let finished = try await coordinator.run()
            #expect(finished.succeeded, "\(finished.output.suffix(1500))")
            for step in ["join.test-1", "proof.test-1", "clean-up.test-1"] {
                #expect(coordinator.happened("stepFinished", step))
            }
            let drawn = try await coordinator.perform(["report", lab.layout.plan, "--html", page, "--json"])
            #expect(drawn.succeeded, "\(drawn.diagnostics)")
            #expect(drawn.output.contains(#""output" : "orders joint looks\n""#))
            let html = try Folder.read(page)
            for word in ["orders divided looks", "exited with 1", "<dd class=\"value\">equal</dd>"] {
                #expect(html.contains(word), "\(word)")
            }
        }
    }
}
