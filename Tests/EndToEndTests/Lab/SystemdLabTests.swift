import FoundationEssentials
import Glibc
import LabKit
import Testing

@Suite(
    "The lab under systemd",
    .serialized,
    .countingIssues,
    .enabled(if: LabFixture.isPossible, "a lab needs root"),
    .enabled(if: Lab.systemdObstacle() == nil, "\(Lab.systemdObstacle() ?? "")")
)
struct SystemdLabTests {
    @Test(
        "runs ZooKeeper as a unit and leaves no namespace, process or control group",
        .hangLimit
    )
    func wholeLife() async throws {
        try await LabFixture.withLab(mode: .systemd, agents: false) { lab in
            try await lab.up()
            let host = lab.configuration.sourceHosts[1]
            let state = try await lab.systemctl(["is-active", "zookeeper.service"], on: host)
            #expect(state.output == "active\n")
            let failed = try await lab.systemctl(
                ["list-units", "--failed", "--plain", "--no-legend"],
                on: host
            )
            #expect(failed.output == "")
            let destination = lab.configuration.destinationHosts[0]
            let stopped = try await lab.systemctl(["is-active", "zookeeper.service"], on: destination)
            #expect(stopped.output == "inactive\n")

            let workload = Workload(lab)
            try await workload.start(seconds: 60)
            try await workload.waitUntilWriting(.source, seconds: 30)
            #expect(try await lab.systemctl(["restart", "zookeeper.service"], on: host).succeeded)
            try await lab.waitUntilServing(.source, seconds: 60)
            let report = try #require(try await workload.check([.source]).first)
            #expect(report.isClean, "\(report)")

            let running = try await LabTests.processes(of: lab)
            try await lab.down()
            #expect(running.allSatisfy { !$0.isRunning })
            #expect(try await lab.leftNamespaces().isEmpty)
            #expect(try lab.leftControlGroups().isEmpty)
        }
    }

    @Test(
        "comes up over containers whose keeper was killed, and as plain processes after that",
        .hangLimit
    )
    func leftovers() async throws {
        try await LabFixture.withLab(mode: .systemd, agents: false) { lab in
            try await lab.up()
            let files = lab.configuration.sourceHosts.map { lab.layout.host($0) }
            let keeper = try #require(try RecordFile.read(ProcessRecord.self, at: files[0].containerRecord))
            keeper.signal(SIGKILL)
            try Folder.remove(files[1].containerRecord)
            try await lab.up()
            #expect(try await lab.ensemble(.source).filter { $0.mode == "leader" }.count == 1)

            let plain = Lab(
                try LabConfiguration(name: lab.configuration.name, mode: .processes, agents: false),
                binaries: lab.binaries
            )
            try await plain.up()
            #expect(try lab.leftControlGroups().isEmpty)
            #expect(try await LabTests.processes(of: plain).count == 3)
        }
    }
}
