import FoundationEssentials
import Glibc
import LabKit
import Testing

/// Hosts that crash and boot in the middle of a division.
///
/// They are containers: their kernel, and what it has not written to its disk, stay.
@Suite(
    "Hosts that boot in the middle of a division",
    .serialized,
    .countingIssues,
    .enabled(if: LabFixture.isPossible, "a lab needs root"),
    .enabled(if: Lab.systemdObstacle() == nil, "\(Lab.systemdObstacle() ?? "")")
)
struct BootHoldTests {
    private static let unit = "zookeeper.service"

    @Test(
        "their enabled ZooKeeper does not start while it is held, their wall is back, and the run goes on to its end with nothing left",
        .hangLimit
    )
    func boots() async throws {
        try await LabFixture.withLab(mode: .systemd) { lab in
            try await lab.up()
            let hosts = lab.configuration.destinationHosts
            for host in hosts { try await lab.enableZooKeeper(on: host) }
            let coordinator = Coordinator(lab: lab)
            let preflight = try await coordinator.perform(["preflight", lab.layout.plan])
            #expect(preflight.output.contains("3 of 3 ask"), "\(preflight.diagnostics)")
            let workload = Workload(lab)
            try await workload.start(seconds: 600)
            try await workload.waitUntilWriting(.source, seconds: 60)

            let run = try coordinator.start()
            try await coordinator.waitForStep("division.detach", seconds: 240)
            run.signal(SIGKILL)
            #expect(await run.isGone(within: .seconds(30)))
            // How far it came is for its host's disk to say; the node that is never detached starts last.
            let held = hosts.filter { Self.order($0, lab).contains(#""service":"zookeeper.service""#) }
            let dormant = try #require(
                hosts.first { host in !lab.configuration.seeds.contains { $0.name == host.name } }
            )
            #expect(held.contains { $0.name == dormant.name }, "\(hosts.map { Self.order($0, lab) })")
            print("held: \(held.map(\.name))")
            for host in held { try await lab.crashAndBoot(host) }
            for host in held {
                let state = try await lab.systemctl(
                    ["show", "--property=ActiveState,Result,UnitFileState", Self.unit],
                    on: host
                ).output
                #expect(
                    state.contains("UnitFileState=enabled") && state.contains("ActiveState=inactive"),
                    "\(state)"
                )
                #expect(state.contains("Result=exec-condition"), "\(state)")
                let said = try Folder.read(lab.layout.host(host).logs + "/zookeeper.log")
                #expect(said.contains("holds zookeeper.service back since"), "\(said.suffix(2000))")
                let rules = try await Tool(["nft", "list", "ruleset"], namespace: lab.namespace(of: host))
                    .outcome()
                #expect(rules.output.contains("reject with tcp reset"), "\(rules.output)")
                // Nobody starts it by hand either.
                _ = try await lab.systemctl(["start", Self.unit], on: host)
                #expect(try await lab.systemctl(["is-active", Self.unit], on: host).output == "inactive\n")
            }
            for host in held { try await lab.waitForAgent(on: host, seconds: 60) }
            let shown = try await coordinator.perform(["status", lab.layout.plan])
            #expect(shown.output.contains("which holds back zookeeper.service"), "\(shown.diagnostics)")
            try await Self.seesOrder(lab, dormant)

            let forward = try await coordinator.run()
            #expect(forward.succeeded, "\(forward.diagnostics)")
            let summary = try await LabRun(lab).summarize(0, workload)
            let sessions = ["the client lost its session", "the client lost its ephemeral node"]
            #expect(summary.problems.filter { problem in !sessions.contains { problem.hasSuffix($0) } } == [])
            for host in hosts {
                #expect(Self.order(host, lab).isEmpty)
                #expect(try await lab.systemctl(["is-active", Self.unit], on: host).output == "active\n")
            }
            // With nothing ordered it starts by itself again, and nothing is left to be taken back.
            for words in [["orders", "list"], ["--hold-check", Self.unit], ["--lapse-watch"]] {
                let outcome = try await lab.inside(dormant, [lab.binaries.agent] + words)
                #expect(outcome.succeeded, "\(words): \(outcome)")
                #expect(outcome.output.hasPrefix("no order: ") == (words[0] == "orders"), "\(outcome)")
            }
            try await lab.crashAndBoot(dormant)
            let deadline = ContinuousClock.now + .seconds(60)
            while try await lab.systemctl(["is-active", Self.unit], on: dormant).output != "active\n" {
                try #require(ContinuousClock.now < deadline, "it does not start at boot")
                try await Task.sleep(for: .milliseconds(100))
            }
        }
    }

    /// What root is told on the host itself; nothing is changed.
    private static func seesOrder(_ lab: Lab, _ host: LabHost) async throws {
        let before = order(host, lab)
        let listed = try await lab.inside(host, [lab.binaries.agent, "orders", "list"])
        #expect(listed.succeeded && listed.output.hasPrefix("run "), "\(listed)")
        #expect(listed.output.contains("\nheld back: \(unit)\nwall: peers "), "\(listed)")
        let warned = try await lab.inside(host, [lab.binaries.agent, "orders", "drop"])
        #expect(warned.status == 1 && warned.output.contains("\nrisk: "), "\(warned)")
        #expect(warned.errors.contains("nothing was changed"), "\(warned)")
        let held = try await lab.inside(host, [lab.binaries.agent, "--hold-check", unit])
        #expect(held.status == 1 && held.errors.contains("holds \(unit) back since"), "\(held)")
        #expect(order(host, lab) == before)
    }

    /// What the host's disk orders; empty when nothing.
    private static func order(_ host: LabHost, _ lab: Lab) -> String {
        let path = lab.layout.host(host).state + "/orders/standing.json"
        do { return try Folder.read(path) } catch { return "" }
    }
}
