import ControlProtocol
import FoundationEssentials
import Glibc
import Procedure
import Settings
import Synchronization
import SystemCalls
import Testing
import Topology

/// Plans, runs and a clock that goes on by itself.
enum Fixture {
    static let kafka = """
        kafka:
          chroot: /kafka
          brokers:
            - {id: 1, host: k1, address: 198.51.100.31}
            - {id: 2, host: k2, address: 198.51.100.32}
            - {id: 3, host: k3, address: 198.51.100.33}

        """

    static func plan(
        source: Int,
        destination: Int,
        strategy: MigrationPlan.Strategy = .participants,
        kafka: String = "",
        waivers: String = "",
        pki: String = "./pki"
    ) throws -> MigrationPlan {
        func servers(_ ids: ClosedRange<Int>, _ letter: String) -> String {
            ids.map { "    - {id: \($0), host: \(letter)\($0), address: 198.51.100.\(10 + $0)}" }
                .joined(separator: "\n")
        }
        let text = """
            version: 1
            name: model
            strategy: \(strategy.rawValue)
            pki: {directory: \(pki), coordinator: test, trust_domain: mitosis}
            source:
              servers:
            \(servers(1...source, "s"))
            destination:
              servers:
            \(servers((source + 1)...(source + destination), "d"))
            \(kafka)
            \(waivers)
            """
        let path = "/tmp/mitosis-plan-\(UInt64.random(in: 0 ... .max)).yaml"
        try Data(text.utf8).write(to: URL(filePath: path))
        defer { unlink(path) }
        return try PlanReader.read(path: path)
    }

    static func record(_ plan: MigrationPlan, _ fleet: ModelFleet, id: String = "1-model") async throws
        -> RunRecord
    {
        RunRecord(
            id: try #require(RunID(id)),
            plan: plan.name,
            planDigest: plan.digest,
            startedAt: 0,
            survey: await Survey.take(of: plan, through: fleet),
            epoch: FencingEpoch(1)
        )
    }

    static func run(
        _ plan: MigrationPlan,
        _ fleet: ModelFleet,
        _ journal: MemoryJournal,
        id: String = "1-model",
        confirm: Bool = true,
        report: @escaping @Sendable (RunEvent) -> Void = { _ in }
    ) async throws -> Runner.Outcome {
        let record = try await record(plan, fleet, id: id)
        try journal.begin(record)
        return try await perform(plan, record, fleet, journal, confirm: confirm, report: report)
    }

    /// As a second coordinator does: a newer epoch, the journal's memory.
    static func resume(
        _ plan: MigrationPlan,
        _ fleet: ModelFleet,
        _ journal: MemoryJournal,
        course: Runner.Course = .forward,
        confirm: Bool = true,
        report: @escaping @Sendable (RunEvent) -> Void = { _ in }
    ) async throws -> Runner.Outcome {
        var record = try #require(journal.record)
        record.epoch = FencingEpoch(2)
        return try await perform(
            plan,
            record,
            fleet,
            journal,
            course: course,
            confirm: confirm,
            report: report
        )
    }

    static func perform(
        _ plan: MigrationPlan,
        _ record: RunRecord,
        _ fleet: ModelFleet,
        _ journal: any RunJournal,
        course: Runner.Course = .forward,
        confirm: Bool = true,
        report: @escaping @Sendable (RunEvent) -> Void = { _ in }
    ) async throws -> Runner.Outcome {
        let elapsed = Elapsed()
        let timing = Timing(
            now: { fleet.model.clock },
            monotonic: { elapsed.now },
            sleep: { elapsed.pass($0) }
        )
        let runner = try Runner(
            plan: plan,
            run: record,
            course: course,
            fleet: fleet,
            ensembles: fleet,
            journal: journal,
            timing: timing,
            report: report,
            confirm: { _ in confirm },
            stopRequest: { .none }
        )
        return try await runner.perform()
    }
}

/// Time that passes only when somebody sleeps.
final class Elapsed: Sendable {
    private let time = Mutex(Duration.zero)

    var now: Duration { time.withLock { $0 } }

    func pass(_ duration: Duration) { time.withLock { $0 += duration } }
}
