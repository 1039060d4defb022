import LabKit
import Testing

/// A few cases of `make faults-real`, each of another kind.
@Suite(
    "Runs that are struck",
    .serialized,
    .countingIssues,
    .enabled(if: LabFixture.isPossible, "a lab needs root"),
    .enabled(if: Lab.systemdObstacle() == nil, "\(Lab.systemdObstacle() ?? "")")
)
struct FaultMatrixTests {
    struct Struck: Sendable, CustomTestStringConvertible {
        let strategy: LabConfiguration.Strategy
        let fault: FaultCase

        var testDescription: String {
            "\(fault.kind.rawValue) on \(fault.host), \(fault.step) \(fault.moment.rawValue), \(fault.way.rawValue)"
        }
    }

    /// The first is the one that found that a host could start by itself with its own file.
    static let cases = [
        Struck(
            strategy: .participants,
            fault: FaultCase(
                step: "division.detach",
                moment: .begun,
                host: "d1",
                kind: .coordinatorAndBoot,
                way: .forward
            )
        ),
        Struck(
            strategy: .observers,
            fault: FaultCase(
                step: "division.commit",
                moment: .begun,
                host: "d2",
                kind: .coordinatorAndBoot,
                way: .takeover
            )
        ),
        Struck(
            strategy: .participants,
            fault: FaultCase(
                step: "return.roll-source-1",
                moment: .begun,
                host: "d1",
                kind: .boot,
                way: .forward
            )
        ),
    ]

    @Test(
        "nothing is lost, left or unrestored, whatever an operator has to do",
        .timeLimit(.minutes(20)),
        arguments: cases
    )
    func struck(_ one: Struck) async throws {
        try await LabFixture.withLab(mode: .systemd, strategy: one.strategy) { lab in
            try await lab.up()
            let report = try await FaultRun(lab, one.fault).perform()
            print(
                "\(one.testDescription): \(report.attempts.map(\.command)), \(report.acknowledged) acknowledged"
            )
            #expect(report.struck)
            #expect(report.problems == [], "\(report.attempts)")
            #expect(report.lost == 0 && report.acknowledged > 100)
        }
    }
}
