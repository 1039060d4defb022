import FoundationEssentials
import Glibc
import LabKit
import Synchronization
import Testing

/// How many issues were recorded so far, in suites with the trait `countingIssues`.
enum IssueCount {
    static let count = Mutex(0)
}

extension Trait where Self == IssueHandlingTrait {
    /// Lets the lab's fixture know that an expectation failed, so that it keeps the logs.
    static var countingIssues: Self {
        .compactMapIssues { issue in
            IssueCount.count.withLock { $0 += 1 }
            return issue
        }
    }
}

extension Trait where Self == TimeLimitTrait {
    /// Ends a test that hangs; far from what a slow machine takes.
    static var hangLimit: Self { .timeLimit(.minutes(25)) }
}

/// Labs for tests: a random name, taken down at the end; the folder stays when the test failed.
enum LabFixture {
    /// Keeps the folder of a test that failed, and of every test when MITOSIS_KEEP is set.
    static var keepsFolders: Bool { getenv("MITOSIS_KEEP") != nil }

    /// Whether this machine can run a lab: it needs root.
    static var isPossible: Bool { geteuid() == 0 }

    /// Why this machine cannot run brokers; Kafka itself is fetched.
    static var kafkaObstacle: String? {
        let wanted = ["/usr/share/java/log4j-1.2.jar", "/usr/share/java/slf4j-log4j12.jar"]
        let missing = wanted.first { !FileManager.default.fileExists(atPath: $0) }
        return missing.map { "\($0) is missing: run make setup" }
    }

    static func withLab(
        sources: Int = 3,
        destinations: Int = 3,
        mode: LabConfiguration.HostMode = .processes,
        agents: Bool = true,
        brokers: Int = 0,
        applications: Int = 0,
        strategy: LabConfiguration.Strategy = .participants,
        canFail: Bool = false,
        sshd: Bool = false,
        zooKeeper: ZooKeeperPair = ZooKeeperPair(),
        filling: TreeFilling? = nil,
        _ body: (Lab) async throws -> Void
    ) async throws {
        let configuration = try LabConfiguration(
            name: "test\(UInt32.random(in: 0..<1_000_000))",
            sources: sources,
            destinations: destinations,
            mode: mode,
            agents: agents,
            brokers: brokers,
            applications: applications,
            strategy: strategy,
            canFail: canFail,
            sshd: sshd,
            zooKeeper: zooKeeper,
            filling: try filling ?? TreeFilling()
        )
        let before = IssueCount.count.withLock { $0 }
        let lab = Lab(configuration, binaries: try Binaries.find())
        do {
            try await body(lab)
        } catch {
            Issue.record("logs and data of the lab are in \(configuration.directory)")
            try await lab.down()
            throw error
        }
        let failed = IssueCount.count.withLock { $0 } > before
        if failed { print("logs and data of the lab are in \(configuration.directory)") }
        try await lab.down(purge: !failed && !keepsFolders)
    }
}
