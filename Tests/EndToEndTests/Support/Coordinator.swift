import FoundationEssentials
import Glibc
import LabKit
import Testing

/// The real `mitosis` on a lab's control host.
struct Coordinator {
    let lab: Lab

    func perform(_ arguments: [String]) async throws -> Tool.Outcome {
        try await lab.run([lab.binaries.coordinator] + arguments, on: lab.configuration.control)
    }

    func run(_ options: [String] = ["--yes"]) async throws -> Tool.Outcome {
        try await perform(["run", lab.layout.plan, "--events", lab.layout.events] + options)
    }

    /// Starts a run, or a rollback, in the background; its end is in `log`.
    func start(_ verb: String = "run") throws -> ProcessRecord {
        let launcher = Launcher(namespace: lab.namespace(of: lab.configuration.control), log: log)
        let argv = [lab.binaries.coordinator, verb, lab.layout.plan, "--yes", "--events", lab.layout.events]
        return try launcher.launch(argv)
    }

    /// A run whose coordinator is killed as soon as the step has come to its end.
    func runAndDie(after step: String) async throws {
        let run = try start()
        try await waitForStep(step)
        run.signal(SIGKILL)
        let isGone = await run.isGone(within: .seconds(30))
        #expect(isGone)
    }

    var log: String { lab.layout.control + "/run.log" }

    /// What the run in the background has said, for a failure's message.
    var said: String {
        do { return try Folder.read(log) } catch { return "\(error)" }
    }

    /// Runs as far as the question before the division, which nobody answers.
    func join() async throws {
        let joined = try await run([])
        try #require(joined.output.contains("not confirmed"), "\(joined.diagnostics)")
    }

    /// Back to the joint ensemble.
    func rollback() async throws -> Tool.Outcome {
        try await perform(["rollback", lab.layout.plan, "--to", "joint", "--events", lab.layout.events])
    }

    /// Back to what was before the run.
    func withdraw() async throws -> Tool.Outcome {
        try await perform(["rollback", lab.layout.plan, "--yes", "--events", lab.layout.events])
    }

    /// Returns as soon as the step has come to its end; fails as soon as the run has ended without it.
    func waitForStep(_ step: String, seconds: Int = 240) async throws {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while !happened("stepFinished", step) {
            let hasStopped = hasStopped
            guard ContinuousClock.now < deadline, !hasStopped else {
                throw LabError.late(
                    what: "the end of \(step)",
                    seconds: seconds,
                    seen: (hasStopped ? "the run stopped: " : "") + said.suffix(1500)
                )
            }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    /// Whether the run that began last has stopped.
    private var hasStopped: Bool {
        let ends = ["runStarted", "runResumed", "runStopped"].map { #""event":"\#($0)""# }
        let last = events().split(separator: "\n").last { line in ends.contains { line.contains($0) } }
        return last?.contains(ends[2]) == true
    }

    func happened(_ event: String, _ step: String, saying text: String = "") -> Bool {
        events().split(separator: "\n").contains {
            $0.contains(#""event":"\#(event)""#) && $0.contains(#""step":"\#(step)""#) && $0.contains(text)
        }
    }

    /// Makes moves between the split and the destination's leader short, so that a failure is known soon.
    ///
    /// A restart keeps a time in which a busy machine can do one.
    func shortenDeadlines(division: Int = 5, restart: Int = 60) throws {
        let plan = try Folder.read(lab.layout.plan)
        try Folder.write(
            plan + "\ndeadlines: {division_seconds: \(division), restart_seconds: \(restart)}\n",
            to: lab.layout.plan
        )
    }

    /// Returns as soon as the events of the run hold `text`.
    func waitForEvent(_ text: String, seconds: Int) async throws {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while !events().contains(text) {
            try #require(ContinuousClock.now < deadline, "no event with \(text) within \(seconds) s")
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    func events() -> String {
        do { return try Folder.read(lab.layout.events) } catch { return "" }
    }

    /// Every configuration file of the lab, by path.
    func configurations() throws -> [String: String] {
        try Dictionary(
            uniqueKeysWithValues: lab.configuration.zooKeeperHosts.map { host in
                let path = lab.layout.host(host).zooKeeperConfiguration
                return (path, try Folder.read(path))
            }
        )
    }
}
