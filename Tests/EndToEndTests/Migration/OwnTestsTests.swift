import FoundationEssentials
import Glibc
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
        .hangLimit
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
            // Whoever holds the leases is told, may be taken over, and is refused from then on.
            let older = try await OlderCoordinator.begin(on: lab)
            defer { older.process.signal(SIGKILL) }
            let refused = try await coordinator.run()
            #expect(
                refused.status == 1 && refused.errors.contains("or take it over: `mitosis run --take-over`"),
                "\(refused.diagnostics)"
            )
            let taken = try await coordinator.run(["--yes", "--take-over", "--until", "preflight"])
            #expect(taken.succeeded, "\(taken.diagnostics)")
            try await older.expectRefusal()
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
            try await Self.pause(coordinator)
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
            let run = try #require(finished.output.firstMatch(of: /run ([0-9a-zA-Z-]+)/)?.output.1)
            let chosen = try await coordinator.perform([
                "report", lab.layout.plan, "--run", String(run), "--json",
            ])
            #expect(chosen.output.contains(#""run" : "\#(run)""#), "\(chosen.diagnostics)")
            let none = try await coordinator.perform(["report", lab.layout.plan, "--run", "no-such-run"])
            #expect(
                none.status == 1 && none.errors.contains("no run 'no-such-run'; there are \(run)"),
                "\(none.diagnostics)"
            )
        }
    }

    /// Stopped before the division, while a program of the operator's is told and a file of metrics is kept.
    private static func pause(_ coordinator: Coordinator) async throws {
        let folder = coordinator.lab.layout.control
        let (program, notes, metrics) = (folder + "/notify", folder + "/notes", folder + "/run.prom")
        try Folder.write(
            "#!/bin/sh\necho \"$MITOSIS_EVENT $MITOSIS_STAGE $(cat)\" >> \(notes)\n",
            to: program
        )
        try #require(chmod(program, 0o755) == 0)
        let paused = try await coordinator.run([
            "--yes", "--pause-before", "division", "--notify", program, "--metrics", metrics,
        ])
        #expect(
            paused.succeeded && paused.output.contains("before the stage division, as asked"),
            "\(paused.diagnostics)"
        )
        #expect(!coordinator.happened("stepFinished", "division.detach"))
        let told = try Folder.read(notes).split(separator: "\n")
        #expect(told.first?.hasPrefix("runResumed ") == true, "\(told)")
        #expect(told.contains { $0.hasPrefix("stageFinished join {") }, "\(told)")
        #expect(told.last?.hasPrefix("runStopped ") == true, "\(told)")
        let kept = try Folder.read(metrics)
        #expect(
            kept.contains("\nmitosis_run_under_way{") && kept.contains("# TYPE mitosis_run_stage gauge"),
            "\(kept)"
        )
    }
}

/// A run of the same plan from another folder, in the middle of its preflight, which holds every agent's lease.
private struct OlderCoordinator {
    let process: ProcessRecord
    let folder: String

    private var log: String { folder + "/run.log" }

    static func begin(on lab: Lab) async throws -> OlderCoordinator {
        let folder = lab.layout.root + "/older"
        try Folder.make(folder + "/control")
        try FileManager.default.copyItem(atPath: lab.layout.pki, toPath: folder + "/pki")
        let text = try Folder.read(lab.layout.plan)
        let plan = try #require(text.components(separatedBy: "\ntests:").first)
        let script = "until test -e \(folder)/go; do sleep 0.1; done"
        try Folder.write(
            plan + "\ntests: [{name: wait, run: [sh, -c, \"\(script)\"], seconds: 600, when: [before]}]\n",
            to: folder + "/plan.yaml"
        )
        let log = folder + "/run.log"
        let older = OlderCoordinator(
            process: try Launcher(namespace: lab.namespace(of: lab.configuration.control), log: log).launch([
                lab.binaries.coordinator, "run", folder + "/plan.yaml", "--yes", "--events",
                folder + "/events.jsonl",
            ]),
            folder: folder
        )
        try await older.wait(for: #""event":"stepStarted""#, and: #""step":"preflight.test-1""#)
        return older
    }

    private func wait(for event: String, and step: String) async throws {
        let events = folder + "/events.jsonl"
        let deadline = ContinuousClock.now + .seconds(120)
        while true {
            let there = FileManager.default.fileExists(atPath: events)
            let lines = there ? try Folder.read(events).split(separator: "\n") : []
            if lines.contains(where: { $0.contains(event) && $0.contains(step) }) { return }
            let said = try Folder.read(log)
            try #require(ContinuousClock.now < deadline && process.isRunning, "\(said)")
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// It goes on, and no agent obeys it.
    func expectRefusal() async throws {
        try Folder.write("", to: folder + "/go")
        try #require(await process.isGone(within: .seconds(120)))
        let said = try Folder.read(log)
        let refusal = "its agent refused: a coordinator with epoch 2 has taken over"
        #expect(said.contains("stopped: ") && said.contains(refusal), "\(said.suffix(2000))")
    }
}
