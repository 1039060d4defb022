import FoundationEssentials
import Glibc
import LabKit
import Testing

/// Divisions in which some destination nodes lack the last acknowledged writes, and a host is slow to start again.
///
/// The same set-ups, divided by starting everything at once, lose writes: these tests can fail.
@Suite(
    "No acknowledged write is lost",
    .serialized,
    .countingIssues,
    .enabled(if: LabFixture.isPossible, "a lab needs root")
)
struct LossTests {
    static let strategies: [LabConfiguration.Strategy] = [.participants, .observers]
    /// Longer than any other node needs to be started and to elect a leader with another one.
    private static let slowStart = 4.0

    @Test(
        "one node alone has the newest writes, and starts last: every one of them is kept",
        .timeLimit(.minutes(60)),
        arguments: strategies
    )
    func onlyOneIsFresh(_ strategy: LabConfiguration.Strategy) async throws {
        try await Self.withLab(strategy) { lab in
            let (fresh, stale) = Self.roles(lab)
            let coordinator = Coordinator(lab: lab)
            try await Rounds.perform(lab) { round in
                let workload = Workload(lab, through: [fresh])
                try await workload.start(seconds: 600)
                try await workload.waitUntilWriting(.source, seconds: 60)
                let run = try coordinator.start()
                try await coordinator.waitForStep("division.canary")
                // However busy the machine: nothing is detached before one node alone has the newest writes.
                run.signal(SIGSTOP)
                defer { run.signal(SIGCONT) }
                for host in stale { try await QuorumLag(lab).begin(on: host) }
                try lab.faults(of: fresh).delayStarts(by: Self.slowStart)
                try await workload.waitForWrites(10, .destination, seconds: 60)
                run.signal(SIGCONT)
                #expect(await run.isGone(within: .seconds(240)))
                #expect(coordinator.events().contains(#""event":"runFinished""#), "\(coordinator.said)")

                // The lab's own rules; what the run left behind is looked for.
                for host in stale { try await QuorumLag(lab).end(on: host) }
                let summary = try await LabRun(lab).summarize(0, workload)
                #expect(summary.problems == [], "round \(round)")
                // The set-up was what it must be: only one node had the last writes when it was detached.
                let ends = try Self.ends(coordinator)
                let others = ends.filter { $0.key != fresh.name }.values
                #expect(others.allSatisfy { $0 + 5 <= ends[fresh.name] ?? 0 }, "round \(round): \(ends)")
                print(
                    "round \(round), \(strategy.rawValue): \(summary.destination.acknowledged) acknowledged, "
                        + "\(summary.destination.lost.count) lost; last transactions \(ends.sorted { $0.key < $1.key })"
                )
            }
        }
    }

    @Test(
        "the same, divided by killing and starting everything at once, loses writes",
        .timeLimit(.minutes(60)),
        arguments: strategies
    )
    func naiveOrderLoses(_ strategy: LabConfiguration.Strategy) async throws {
        try await Self.withLab(strategy) { lab in
            let (fresh, stale) = Self.roles(lab)
            let workload = Workload(lab, through: [fresh])
            try await workload.start(seconds: 600)
            try await workload.waitUntilWriting(.source, seconds: 60)
            try await Coordinator(lab: lab).join()
            try await workload.waitUntilWriting(.destination, seconds: 60)
            try await NaiveDivision(lab).restoreFiles()
            for host in stale { try await QuorumLag(lab).begin(on: host) }
            try lab.faults(of: fresh).delayStarts(by: Self.slowStart)
            try await workload.waitForWrites(20, .destination, seconds: 60)
            try await NaiveDivision(lab).divide()
            let report = try #require(try await workload.check([.destination]).first)
            #expect(report.lost.count >= 10)
            print(
                "naive, \(strategy.rawValue): \(report.acknowledged) acknowledged, \(report.lost.count) lost"
            )
        }
    }

    @Test(
        "disks that are behind are waited for: whatever signal ends the servers, nothing is lost",
        .timeLimit(.minutes(60)),
        arguments: strategies
    )
    func slowDisks(_ strategy: LabConfiguration.Strategy) async throws {
        try await Self.withLab(strategy) { lab in
            let coordinator = Coordinator(lab: lab)
            try await Rounds.perform(lab) { round in
                let workload = Workload(lab)
                try await workload.start(seconds: 600)
                try await workload.waitUntilWriting(.source, seconds: 60)
                let run = try coordinator.start()
                try await coordinator.waitForStep("division.canary")
                for host in lab.configuration.seeds { try lab.faults(of: host).slowDisk(milliseconds: 400) }
                try await coordinator.waitForStep("division.split")
                for host in lab.configuration.seeds { try lab.faults(of: host).heal() }
                #expect(await run.isGone(within: .seconds(240)))
                let summary = try await LabRun(lab).summarize(0, workload)
                #expect(summary.problems == [], "round \(round)")
                print(
                    "round \(round), \(strategy.rawValue), slow disks: \(summary.destination.lost.count) lost"
                )
            }
        }
    }

    @Test("the same, divided by killing and starting everything at once, loses writes of slow disks")
    func naiveOrderLosesSlowDisks() async throws {
        try await Self.withLab(.observers) { lab in
            let workload = Workload(lab)
            try await workload.start(seconds: 600)
            try await workload.waitUntilWriting(.source, seconds: 60)
            try await Coordinator(lab: lab).join()
            try await workload.waitUntilWriting(.destination, seconds: 60)
            try await NaiveDivision(lab).restoreFiles()
            for host in lab.configuration.seeds { try lab.faults(of: host).slowDisk(milliseconds: 400) }
            try await workload.waitForWrites(20, .destination, seconds: 60)
            try await NaiveDivision(lab).divide()
            for host in lab.configuration.seeds { try lab.faults(of: host).heal() }
            let report = try #require(try await workload.check([.destination]).first)
            #expect(report.lost.count >= 1)
            print("naive, slow disks: \(report.acknowledged) acknowledged, \(report.lost.count) lost")
        }
    }

    private static func withLab(
        _ strategy: LabConfiguration.Strategy,
        _ body: (Lab) async throws -> Void
    ) async throws {
        try await LabFixture.withLab(strategy: strategy, canFail: true) { lab in
            try await lab.up()
            try await body(lab)
        }
    }

    /// The node that keeps up, and the other ones that serve.
    private static func roles(_ lab: Lab) -> (fresh: LabHost, stale: [LabHost]) {
        let seeds = lab.configuration.seeds
        return (seeds[0], Array(seeds.dropFirst()))
    }

    /// The counters of the last transactions that the nodes were detached with, by host.
    private static func ends(_ coordinator: Coordinator) throws -> [String: Int] {
        var ends: [String: Int] = [:]
        for line in coordinator.events().split(separator: "\n") where line.contains(": detached, epoch ") {
            let message = try #require(line.firstRange(of: #""message":""#)).upperBound
            let host = String(line[message...].prefix { $0 != ":" })
            let zxid = try #require(line.firstRange(of: ", 0x")).upperBound
            let digits = line[zxid...].prefix { $0.isHexDigit }
            ends[host] = try #require(Int(digits, radix: 16)) & 0xFFFF_FFFF
        }
        return ends
    }
}
