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

    /// Starts a run in the background; its end is in `lab.layout.control/run.log`.
    func start() throws -> ProcessRecord {
        let launcher = Launcher(
            namespace: lab.namespace(of: lab.configuration.control),
            log: lab.layout.control + "/run.log"
        )
        let argv = [lab.binaries.coordinator, "run", lab.layout.plan, "--yes", "--events", lab.layout.events]
        return try launcher.launch(argv)
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
