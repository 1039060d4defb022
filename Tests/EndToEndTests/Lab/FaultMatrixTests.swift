import FoundationEssentials
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
        "`mitosis-lab fault`: nothing is lost, left or unrestored, whatever an operator has to do, and its lab is down",
        .hangLimit,
        arguments: cases
    )
    func struck(_ one: Struck) async throws {
        try await LabFixture.withLab(mode: .systemd, strategy: one.strategy) { lab in
            let file = lab.configuration.directory + "-report.json"
            let (name, fault) = (lab.configuration.name, one.fault)
            let ended = try await Tool([
                lab.binaries.lab, "fault", "--step", fault.step, "--moment", fault.moment.rawValue, "--host",
                fault.host, "--kind", fault.kind.rawValue, "--way", fault.way.rawValue, "--strategy",
                one.strategy.rawValue, "--name", name, "--json", file,
            ]).outcome()
            let report = try #require(
                try RecordFile.read(FaultReport.self, at: file),
                "\(ended.output.suffix(2000))\(ended.errors.suffix(1000))"
            )
            print(
                "\(one.testDescription): \(report.attempts.map(\.command)), \(report.acknowledged) acknowledged"
            )
            #expect(report.fault == fault && report.strategy == one.strategy && report.struck)
            #expect(report.problems == [], "\(report.attempts)")
            #expect(report.lost == 0 && report.acknowledged > 100)
            #expect(ended.succeeded, "\(ended.errors.suffix(1000))")
            let line = "acknowledged \(report.acknowledged), lost 0, problems 0\n"
            #expect(ended.output.contains(line), "\(ended.output.suffix(1000))")
            for attempt in report.attempts {
                #expect(ended.output.contains("\(attempt.command): status \(attempt.status)\n"))
            }
            #expect(try await lab.leftNamespaces().isEmpty)
            // Logs and data stay until they are purged.
            #expect(FileManager.default.fileExists(atPath: lab.layout.events))
            try Folder.remove(file)
        }
    }

    @Test("what is preloaded for a full disk and for a clock does that, and nothing when it is not told to")
    func preloaded() async throws {
        let folder = "/var/tmp/mitosis-lab/test\(UInt32.random(in: 0..<1_000_000))"
        try Folder.make(folder)
        do {
            let library = try await HostFaults.build(in: folder)[0]
            let run = { (script: String) in
                try await Tool([
                    "/usr/bin/env", "LD_PRELOAD=\(library)", "HOSTFAULTS_CONTROL=\(folder)/control",
                    "/usr/bin/python3", "-c", script,
                ]).outcome()
            }
            let write = "with open('\(folder)/file', 'w') as file: file.write('words')"
            let clock = "import time; print(int(time.time()))"
            for (control, ahead) in [("", 0), ("clock 3600\n", 3600), ("clock -3600\n", -3600)] {
                try Folder.write(control, to: folder + "/control")
                #expect(try await run(write).succeeded)
                let told = try #require(Int(try await run(clock).output.filter(\.isNumber)))
                #expect(abs(told - Int(Date().timeIntervalSince1970) - ahead) < 60, "\(control): \(told)")
            }
            try Folder.write("full\n", to: folder + "/control")
            let refused = try await run(write)
            #expect(!refused.succeeded && refused.errors.contains("No space left"), "\(refused)")
            try Folder.remove(folder)
        } catch {
            try Folder.remove(folder)
            throw error
        }
    }

    @Test("a fault of a host that its kind does not strike is refused, and nothing is set up")
    func foreignHost() async throws {
        let name = "test\(UInt32.random(in: 0..<1_000_000))"
        let ended = try await Tool([
            try Binaries.find().lab, "fault", "--step", "division.commit", "--host", "s1", "--kind",
            "coordinator", "--name", name,
        ]).outcome()
        #expect(
            ended.status == 1 && ended.errors.contains("'coordinator' strikes control, not 's1'"),
            "\(ended.diagnostics)"
        )
        #expect(!FileManager.default.fileExists(atPath: "/var/tmp/mitosis-lab/\(name)"))
    }
}
