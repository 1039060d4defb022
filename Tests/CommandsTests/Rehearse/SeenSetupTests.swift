import ControlProtocol
import Fleet
import FoundationEssentials
import Procedure
import Rehearsals
import Settings
import TestSupport
import Testing

@testable import Commands

@Suite("What a rehearsal is of")
struct SeenSetupTests {
    private func plan(_ more: String = "") throws -> (MigrationPlan, TemporaryFolder) {
        let folder = try TemporaryFolder()
        func servers(_ ids: ClosedRange<Int>) -> String {
            ids.map { "    - {id: \($0), host: zk\($0), address: 192.0.2.\($0)}\n" }.joined()
        }
        let text =
            "version: 1\nname: kafka-a\npki: {directory: ./pki, coordinator: ops}\nsource:\n  servers:\n"
            + servers(11...13) + "destination:\n  seeds: [23, 22]\n  servers:\n" + servers(21...23) + more
        return (try PlanReader.read(path: try folder.write(text, to: "plan.yaml")), folder)
    }

    private func reread(_ setup: RehearsedSetup) throws -> RehearsedSetup {
        try RehearsedSetup(reading: try setup.json())
    }

    @Test("without an agent it is the plan alone, and says so; only tests that name rehearsals are for them")
    func planAlone() throws {
        let more = """
            kafka: {chroot: /k, brokers: [{id: 7, host: k7, address: 192.0.2.31}]}
            firewall: {scope: all-tcp}
            tests: [{name: a, run: [a], when: [joint, rehearse]}, {name: b, run: [b], when: [after]}]
            waivers: [{check: clocks, reason: "no \\"NTP\\""}]

            """
        let (plan, folder) = try plan(more)
        defer { withExtendedLifetime(folder) {} }
        let setup = try reread(SeenSetup(plan, [:], nil).setup)
        #expect(setup.source.map(\.id) == [11, 12, 13] && setup.seeds == [23, 22] && setup.scope == .allTCP)
        #expect(setup.brokers.map(\.id) == [7] && setup.chroot == "/k")
        #expect(setup.tests.map(\.isForRehearsals) == [true, false])
        #expect(setup.source.allSatisfy { $0.version == nil && $0.configuration == nil })
        #expect(setup.remarks == ["no agent answered: rehearsed from the plan alone"])
        #expect(setup.waivers == ["clocks": "no \"NTP\""])
    }

    @Test("what agents tell is in it, and who was silent; a file that is too large for a zoo.cfg is not")
    func seen() async throws {
        let (plan, folder) = try plan()
        defer { withExtendedLifetime(folder) {} }
        var observations: [HostName: Observation] = [:]
        var files: [Survey.File] = []
        for (index, server) in plan.servers.enumerated() {
            guard index != 1 else {
                observations[server.host] = .silent(reason: "nobody\nis there")
                continue
            }
            observations[server.host] = .status(StatusFixture.status(server.host, view: nil))
            let text = index == 0 ? Data(count: 300_000) : Data("tickTime=2000\n\u{1B}[2J\n".utf8)
            files.append(
                Survey.File(host: server.host, path: server.configPath, digest: "d", content: text)
            )
        }
        let setup = try reread(SeenSetup(plan, observations, Survey(files: files)).setup)
        #expect(setup.source[0].version == "3.8.0" && setup.source[0].nodes == 1234)
        #expect(setup.source[0].configuration == nil && setup.source[1].version == nil)
        #expect(setup.source[2].configuration?.hasPrefix("tickTime=2000") == true)
        #expect(setup.remarks == ["zk12: the agent did not answer"])
    }

    @Test("whatever keeps the agents from being asked is one line")
    func obstacle() throws {
        let (plan, folder) = try plan()
        defer { withExtendedLifetime(folder) {} }
        let setup = try reread(SeenSetup(plan, remarks: ["no\n\u{1B}key " + HostileText.all]).setup)
        #expect(setup.remarks.count == 1)
    }
}
