import FoundationEssentials
import LabKit
import Testing

/// Set-ups broken on the real thing, one for each trap: real files, processes, certificates and rules.
@Suite(
    "The preflight of a real set-up",
    .serialized,
    .countingIssues,
    .enabled(if: LabFixture.isPossible, "a lab needs root"),
    .sharedLab()
)
struct PreflightTests {
    @Test("passes on a healthy lab, shows every check, and changes nothing", .hangLimit)
    func healthy() async throws {
        let lab = try SharedLab.lab
        let coordinator = Coordinator(lab: lab)
        let before = try await Self.everything(lab)
        let output = try await coordinator.preflight()
        #expect(output.passed == output.findings.count, "\(output.faults)")
        // Those of brokers are for a lab with brokers.
        let documented = try DocumentedCheck.all().dropLast(6)
        #expect(output.findings.map(\.name) == documented.map(\.name) && output.strategy == "participants")
        #expect(output.findings.map(\.traps) == documented.map(\.traps))
        let text = try await coordinator.perform(["preflight", lab.layout.plan])
        #expect(text.succeeded)
        for finding in output.findings { #expect(text.output.contains("ok      \(finding.name) ")) }
        #expect(
            text.output.contains(
                "\(documented.count) checks: \(documented.count) passed, 0 warned, 0 failed, 0 waived"
            )
        )
        let after = try await Self.everything(lab)
        #expect(after == before)
        #expect(!FileManager.default.fileExists(atPath: lab.layout.journal))
        #expect(try await lab.rulesLeft().allSatisfy { $0.lines.isEmpty })
    }

    @Test(
        "fails on a broken set-up with the check that is meant, and passes again when it is mended",
        .hangLimit,
        arguments: Breakage.files + Breakage.source + Breakage.destination + Breakage.hosts
            + Breakage.credentials
    )
    func broken(_ breakage: Breakage) async throws { try await breakage.perform(on: SharedLab.lab) }

    @Test(
        "`mitosis run` refuses with the same findings, all of them, and nothing is changed",
        .hangLimit
    )
    func run() async throws {
        let lab = try SharedLab.lab
        let bench = Bench(lab: lab)
        let coordinator = Coordinator(lab: lab)
        let mendings = [
            try bench.addSetting("reconfigEnabled=true", on: "d1"),
            try bench.addSetting("forceSync=no", on: "d3"),
            try bench.rewrite(try bench.files("d2").data + "/myid") { _ in "9\n" },
        ]
        let expected = try await coordinator.preflight().findings.filter { $0.verdict == "fail" }
        #expect(expected.map(\.name) == ["static-configuration", "durable-writes", "server-ids"])
        let before = try coordinator.configurations()
        let run = try await coordinator.run()
        #expect(run.status == 1)
        for finding in expected {
            let line = "\(finding.name): \(finding.reason). \(finding.remedy ?? "")"
            #expect(
                run.output.split(separator: "\n").contains { $0.hasSuffix(line) },
                "\(line)\n\(run.output)"
            )
        }
        #expect(try coordinator.configurations() == before)
        #expect(try await lab.ensemble(.destination).allSatisfy { $0.mode == nil })
        for mend in mendings { try await mend() }
    }

    @Test(
        "an agent that is silent is told by `run` with everything else that is wrong",
        .hangLimit
    )
    func silent() async throws {
        let lab = try SharedLab.lab
        let bench = Bench(lab: lab)
        let coordinator = Coordinator(lab: lab)
        let mend = try bench.addSetting("reconfigEnabled=true", on: "d1")
        try await bench.stopAgent("d3")
        let run = try await coordinator.run()
        #expect(run.status == 1)
        #expect(run.errors.contains("agents: d3: ") && run.errors.contains("static-configuration: d1: "))
        let plan = try await coordinator.perform(["plan", lab.layout.plan])
        #expect(plan.status == 1 && plan.errors.contains("d3: ") && plan.output.contains("division.split"))
        let host = try bench.host("d3")
        try await lab.startAgent(on: host)
        try await lab.waitForAgent(on: host, seconds: 60)
        try await mend()
        let output = try await coordinator.preflight()
        #expect(output.passed == output.findings.count, "\(output.faults)")
    }

    /// Digests of everything that could be changed, and every agent's lease.
    private static func everything(_ lab: Lab) async throws -> [String: String] {
        var found = try Coordinator(lab: lab).configurations()
        for host in lab.configuration.zooKeeperHosts {
            let files = lab.layout.host(host)
            for folder in [files.root + "/etc", files.state] {
                found[folder] = try await Tool([
                    "/bin/sh", "-c",
                    "cd \(folder) && find . -type f ! -name running-view.json ! -name 'audit*' -exec sha256sum {} + | sort",
                ]).output(step: "digests")
            }
            found[files.data] = try Folder.entries(files.data).joined(separator: " ")
        }
        let status = try await Coordinator(lab: lab).perform(["status", lab.layout.plan, "--json"])
        found["epochs"] = status.output.split(separator: "\n").filter { $0.contains("highestEpoch") }
            .joined(separator: "\n")
        return found
    }
}
