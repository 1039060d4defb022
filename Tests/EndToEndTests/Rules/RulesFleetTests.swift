import Glibc
import LabKit
import Testing

/// A fleet given by an inventory, its rules listed, cleaned and tried out by the real programs.
@Suite(
    "Rules of a fleet",
    .serialized,
    .countingIssues,
    .enabled(if: LabFixture.isPossible, "a lab needs root")
)
struct RulesFleetTests {
    @Test(
        "one agent dead, one host of a live run, rules made by hand in each backend: exact outcomes; then all are back, and --until-clean ends",
        .hangLimit
    )
    func cleaning() async throws {
        try await LabFixture.withLab { lab in
            try await lab.up()
            let fleet = RulesFleet(lab: lab)
            let inventory = try fleet.writeInventory()
            let hosts = lab.configuration.destinationHosts
            let (live, left, dead) = (hosts[0], hosts[1], hosts[2])
            for host in hosts { try await fleet.wallOff(host, run: "1764-\(host.name)") }
            for host in [left, dead] { try await fleet.giveBack(host, run: "1764-\(host.name)") }
            // Nobody remembers this one: another backend's chain.
            try await fleet.leaveLegacyChain(on: left)
            try await fleet.killAgent(of: dead)

            // No agent was told of the one in iptables-legacy, and each looks again when it is asked.
            let listed = try await fleet.rules(["list", inventory])
            #expect(listed.status == 1, "\(listed.diagnostics)")
            #expect(listed.output.contains("\nsilent: \(dead.name)\n"), "\(listed.output)")
            #expect(listed.output.contains("MITOSIS-INPUT"), "\(listed.output)")

            let cleaned = try await fleet.rules(["clean", inventory])
            #expect(cleaned.status == 1, "\(cleaned.diagnostics)")
            for host in lab.configuration.sourceHosts {
                #expect(cleaned.output.contains("\(host.name): clean; nothing of ours was there\n"))
            }
            let refusal = "\(live.name): refused, nothing was changed: run 1764-\(live.name) of ops holds"
            #expect(cleaned.output.contains(refusal), "\(cleaned.output)")
            #expect(cleaned.output.contains("\(left.name): clean; "), "\(cleaned.output)")
            #expect(cleaned.output.contains("\(dead.name): not cleaned, no answer: "), "\(cleaned.output)")
            #expect(
                cleaned.output.hasSuffix(
                    "6 hosts: 4 proven clean, 1 refused, 1 unreachable, 0 failed, 0 stopped\n"
                        + "refused: \(live.name)\nunreachable: \(dead.name)\n"
                ),
                "\(cleaned.output)"
            )
            #expect(try await fleet.hostsWithRules() == [live.name, dead.name])

            try await fleet.giveBack(live, run: "1764-\(live.name)")
            async let ending = fleet.rules(["clean", inventory, "--until-clean", "--json"])
            // The host of the run that has ended is cleaned while the dead one is still waited for.
            try await fleet.wait(seconds: 60) { try await fleet.hostsWithRules() == [dead.name] }
            try await lab.startAgent(on: dead)
            let ended = try await ending
            #expect(ended.status == 0, "\(ended.diagnostics)")
            #expect(
                ended.output.hasSuffix(
                    #"{"clean":6,"failed":0,"hosts":6,"refused":0,"stopped":0,"unreachable":0}"# + "\n"
                ),
                "\(ended.output)"
            )
            #expect(try await fleet.hostsWithRules() == [])

            try await fleet.cleanHandMade(whileDead: dead)
        }
    }

    @Test(
        "a wall for a trial stands and goes on every host, and is refused where a wall stands, which root removes there by hand",
        .hangLimit
    )
    func pilot() async throws {
        try await LabFixture.withLab { lab in
            try await lab.up()
            let fleet = RulesFleet(lab: lab)
            let inventory = try fleet.writeInventory()
            let passed = try await fleet.rules(["pilot", inventory])
            #expect(passed.status == 0, "\(passed.diagnostics)")
            #expect(
                passed.output.contains("6 hosts: 6 passed, 0 refused, 0 unreachable, 0 failed; slowest: ")
            )
            #expect(try await fleet.hostsWithRules() == [])

            let walled = lab.configuration.destinationHosts[0]
            try await fleet.wallOff(walled, run: "1764-x")
            try await fleet.keepsWall(walled, run: "1764-x")
            try await fleet.resetLease(walled, run: "1764-x")
            try await fleet.dropDamagedOrder(walled)
            let refused = try await fleet.rules(["pilot", lab.layout.plan])
            #expect(refused.status == 1)
            #expect(refused.output.contains("\(walled.name): refused, nothing was changed: "))
            #expect(refused.output.contains("3 hosts: 2 passed, 1 refused"), "\(refused.output)")
            #expect(try await fleet.hostsWithRules() == [walled.name])
            try await fleet.cleanByHand(walled)
            try await fleet.removeHandMade(walled)
        }
    }
}

/// A lab's agents, commanded by `mitosis rules`, or by curl with the coordinator's certificate.
struct RulesFleet {
    private struct Refused: Error, CustomStringConvertible {
        let description: String
    }

    let lab: Lab

    /// Beside the plan; of every ZooKeeper host.
    func writeInventory() throws -> String {
        let path = lab.layout.root + "/hosts.yaml"
        let hosts = lab.configuration.zooKeeperHosts.map {
            "  - {host: \($0.name), address: \($0.ipv4), addresses: [\"\($0.ipv6)\"]}\n"
        }
        try Folder.write(
            "version: 1\nname: \(lab.configuration.name)\n"
                + "pki: {directory: ./pki, coordinator: ops}\nhosts:\n\(hosts.joined())",
            to: path
        )
        return path
    }

    func rules(_ arguments: [String]) async throws -> Tool.Outcome {
        try await Coordinator(lab: lab).perform(["rules"] + arguments)
    }

    /// By a run of its own, which keeps its lease.
    func wallOff(_ host: LabHost, run: String) async throws {
        let peers = lab.configuration.sourceHosts.flatMap { ["\"\($0.ipv4)\"", "\"\($0.ipv6)\""] }
        let wall = #"{"peers":[\#(peers.joined(separator: ","))],"scope":{"ports":{"numbers":[2888,3888]}}}"#
        let granted = try await lease(host, run: run)
        guard granted.code == "200" else { throw Refused(description: "\(granted)") }
        let lease = Self.lease(run)
        let command = #"{"id":"\#(run)-wall","lease":\#(lease),"command":{"installWall":{"wall":\#(wall)}}}"#
        let done = try await curl(host).post("/v1/commands", command, as: operatorFiles)
        guard done.code == "200", done.body.contains(#""done""#) else {
            throw Refused(description: "\(done)")
        }
    }

    func lease(_ host: LabHost, run: String) async throws -> Curl.Answer {
        let wish = #"{"lease":\#(Self.lease(run)),"secondsToLive":600,"takeOver":false}"#
        return try await curl(host).post("/v1/lease", wish, as: operatorFiles)
    }

    func giveBack(_ host: LabHost, run: String) async throws {
        let answer = try await curl(host).delete("/v1/lease", Self.lease(run), as: operatorFiles)
        guard answer.code == "200" else { throw Refused(description: "\(answer)") }
    }

    /// As an agent with another backend would have left it.
    func leaveLegacyChain(on host: LabHost) async throws {
        for argv in [
            ["iptables-legacy", "-N", "MITOSIS-INPUT"],
            ["iptables-legacy", "-I", "INPUT", "-j", "MITOSIS-INPUT"],
        ] {
            let outcome = try await lab.run(argv, on: host)
            guard outcome.succeeded else { throw Refused(description: outcome.diagnostics) }
        }
    }

    func killAgent(of host: LabHost) async throws {
        let record = try RecordFile.read(ProcessRecord.self, at: lab.layout.host(host).agentRecord)
        let process = try #require(record)
        process.signal(SIGKILL)
        try #require(await process.isGone(within: .seconds(30)))
    }

    /// In the lab's order, by the kernels' word.
    func hostsWithRules() async throws -> [String] {
        try await lab.rulesLeft().filter { !$0.lines.isEmpty }.map(\.host)
    }

    func wait(seconds: Int, until isSo: () async throws -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while try await !isSo() {
            try #require(ContinuousClock.now < deadline, "not within \(seconds) s")
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    private var operatorFiles: String { lab.layout.pki + "/coordinators/ops" }

    private func curl(_ host: LabHost) -> Curl {
        Curl(lab: lab, url: "https://\(host.ipv4):9760", authority: lab.layout.pki + "/ca.pem")
    }

    private static func lease(_ run: String) -> String { #"{"runID":"\#(run)","epoch":7}"# }
}
