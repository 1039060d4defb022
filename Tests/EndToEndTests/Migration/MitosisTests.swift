import FoundationEssentials
import Glibc
import LabKit
import Testing

/// Whole divisions of real ensembles under writing clients, their histories checked write by write.
@Suite("A mitosis", .serialized, .countingIssues, .enabled(if: LabFixture.isPossible, "a lab needs root"))
struct MitosisTests {
    @Test("divides three and three under systemd where it works", .hangLimit)
    func threeAndThree() async throws {
        let mode: LabConfiguration.HostMode = Lab.systemdObstacle() == nil ? .systemd : .processes
        try await Self.divide(sources: 3, destinations: 3, mode: mode)
    }

    @Test("divides five and three", .hangLimit)
    func fiveAndThree() async throws { try await Self.divide(sources: 5, destinations: 3, mode: .processes) }

    @Test("divides three and five, where a companion completes the first quorum", .hangLimit)
    func threeAndFive() async throws { try await Self.divide(sources: 3, destinations: 5, mode: .processes) }

    @Test("observers: the source is neither changed nor restarted", .hangLimit)
    func observers() async throws {
        try await LabFixture.withLab(strategy: .observers) { lab in
            try await lab.up()
            let coordinator = Coordinator(lab: lab)
            let before = try Self.source(lab)
            let summary = try await LabRun(lab, settle: .seconds(3)).perform()
            #expect(summary.problems == [])
            #expect(summary.stages.map(\.name) == ["preflight", "join", "division", "proof", "clean-up"])
            try await Proven.expect(lab)
            #expect(summary.source.mixingChecked && summary.destination.mixingChecked)
            #expect(try Self.source(lab) == before)
            #expect(
                coordinator.happened("stepFinished", "clean-up.source", saying: "same process, same file")
            )
            // Nothing of the kept copies is left.
            for host in lab.configuration.destinationHosts {
                let left = try Folder.entries(lab.layout.host(host).data)
                #expect(left.allSatisfy { !$0.hasPrefix("mitosis-") }, "\(left)")
            }
        }
    }

    @Test("five observers become an ensemble of five", .hangLimit)
    func fiveObservers() async throws {
        try await LabFixture.withLab(destinations: 5, strategy: .observers) { lab in
            try await lab.up()
            let before = try Self.source(lab)
            let summary = try await LabRun(lab, settle: .seconds(3)).perform()
            #expect(summary.problems == [])
            #expect(try Self.source(lab) == before)
        }
    }

    /// Every source node's process and the content of its configuration file.
    private static func source(_ lab: Lab) throws -> [String] {
        try lab.configuration.sourceHosts.map { host in
            let files = lab.layout.host(host)
            let process = try #require(try RecordFile.read(ProcessRecord.self, at: files.zooKeeperRecord))
            try #require(process.isRunning)
            return "\(process.pid) \(process.startTicks) \(try Folder.read(files.zooKeeperConfiguration))"
        }
    }

    @Test(
        "a coordinator killed right after the split is continued, and nothing is lost",
        .hangLimit
    )
    func coordinatorKilled() async throws {
        try await LabFixture.withLab { lab in
            try await lab.up()
            let coordinator = Coordinator(lab: lab)
            let workload = try await Self.startWriting(lab)

            let first = try coordinator.start()
            try await coordinator.waitForEvent(#""event":"stepFinished""#, seconds: 60)
            try await coordinator.waitForStep("division.split")
            first.signal(SIGKILL)
            #expect(await first.isGone(within: .seconds(30)))

            let cleaning = try await coordinator.perform(["rules", "clean", lab.layout.plan])
            #expect(cleaning.status == 1)
            #expect(cleaning.errors.contains("has divided the ensemble and has not finished"))

            let second = try await coordinator.run()
            #expect(second.succeeded, "\(second.diagnostics)")
            #expect(second.output.contains("goes on"))
            let summary = try await LabRun(lab).summarize(second.status, workload)
            #expect(summary.problems == [])

            let third = try await coordinator.run()
            #expect(third.status == 1)
            #expect(third.errors.contains("has finished"), "\(third.diagnostics)")
            try await AuditTrail(coordinator: coordinator, host: lab.configuration.seeds[0]).expectSound()
        }
    }

    @Test(
        "an agent killed in the middle is waited for, and a second coordinator is kept out",
        .hangLimit
    )
    func agentKilled() async throws {
        try await LabFixture.withLab { lab in
            try await lab.up()
            let coordinator = Coordinator(lab: lab)
            let workload = try await Self.startWriting(lab)
            let run = try coordinator.start()
            try await coordinator.waitForStep("join.roll-source-1")

            let intruder = try await coordinator.run()
            #expect(intruder.status == 1)
            #expect(intruder.errors.contains("another mitosis uses this journal"))

            let host = lab.configuration.destinationHosts[0]
            let record = lab.layout.host(host).agentRecord
            let agent = try #require(try RecordFile.read(ProcessRecord.self, at: record))
            agent.signal(SIGKILL)
            #expect(await agent.isGone(within: .seconds(30)))
            try await lab.startAgent(on: host)

            #expect(await run.isGone(within: .seconds(180)))
            let summary = try await LabRun(lab).summarize(0, workload)
            #expect(summary.problems == [])
            #expect(coordinator.events().contains(#""event":"runFinished""#))
        }
    }

    @Test("a destination that is not empty is refused before anything changes", .hangLimit)
    func destinationNotEmpty() async throws {
        try await LabFixture.withLab { lab in
            try await lab.up()
            let coordinator = Coordinator(lab: lab)
            let before = try coordinator.configurations()
            let host = lab.configuration.destinationHosts[1]
            try Folder.make(lab.layout.host(host).data + "/version-2")
            try Folder.write("", to: lab.layout.host(host).data + "/version-2/log.100000001")
            let run = try await coordinator.run()
            #expect(run.status == 1)
            #expect(run.output.contains("\(host.name): ") && run.output.contains("is not empty"))
            #expect(try coordinator.configurations() == before)
            #expect(try await lab.ensemble(.destination).allSatisfy { $0.mode == nil })
        }
    }

    @Test("a plan shows exact files and rules and changes nothing", .hangLimit)
    func planChangesNothing() async throws {
        try await LabFixture.withLab { lab in
            try await lab.up()
            let coordinator = Coordinator(lab: lab)
            let before = try coordinator.configurations()
            let plan = try await coordinator.perform(["plan", lab.layout.plan])
            #expect(plan.succeeded, "\(plan.diagnostics)")
            #expect(plan.output.contains("+server.4=198.51.100.21:2888:3888"))
            #expect(plan.output.contains(#""@peers4""#) && plan.output.contains("2001:db8::11"))
            #expect(plan.output.contains("division.split"))
            #expect(try coordinator.configurations() == before)
            #expect(!FileManager.default.fileExists(atPath: lab.layout.journal))
            #expect(try await lab.rulesLeft().allSatisfy { $0.lines.isEmpty })

            let status = try await coordinator.perform(["status", lab.layout.plan])
            #expect(status.succeeded && status.output.contains("leader"))
        }
    }

    private static func divide(
        sources: Int,
        destinations: Int,
        mode: LabConfiguration.HostMode
    ) async throws {
        try await LabFixture.withLab(sources: sources, destinations: destinations, mode: mode) { lab in
            try await lab.up()
            let summary = try await LabRun(lab, settle: .seconds(3)).perform()
            #expect(summary.problems == [])
            #expect(
                summary.stages.map(\.name) == [
                    "preflight", "join", "division", "return", "proof", "clean-up",
                ]
            )
            #expect(summary.source.mixingChecked && summary.destination.mixingChecked)
            #expect((summary.destination.gapInWindow ?? 0) > 0.2)
            #expect(summary.source.acknowledged > 50)
            #expect(summary.destination.acknowledged > 50)
            #expect(summary.servers.count == sources + destinations)
            #expect(summary.rules.count == lab.configuration.hosts.count)
            try await Proven.expect(lab)
        }
    }

    private static func startWriting(_ lab: Lab) async throws -> Workload {
        let workload = Workload(lab)
        try await workload.start(seconds: 600)
        try await workload.waitUntilWriting(.source, seconds: 60)
        return workload
    }
}
