import CertificateAuthority
import ControlProtocol
import Fleet
import FoundationEssentials
import Glibc
import Logs
import MutualTLS
import Settings
import Synchronization
import SystemCalls
import Testing

@Suite("The fleet of a plan's agents", .timeLimit(.minutes(10)))
struct AgentFleetTests {
    /// A plan whose agents are on a port where nobody listens.
    private static func withPlan(waiving waivers: String = "", _ body: (MigrationPlan) async throws -> Void)
        async throws
    {
        let directory =
            FileManager.default.temporaryDirectory.path + "/mitosis-fleet-\(UInt64.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let domain = try #require(TrustDomain("mitosis"))
        let pki = PKIDirectory(path: directory + "/pki")
        let name = try #require(PeerName("test"))
        _ = try pki.create(trustDomain: domain, now: Date())
        _ = try pki.issue(.coordinator(name), now: Date())
        let text = """
            version: 1
            name: model
            strategy: participants
            pki: {directory: ./pki, coordinator: test, trust_domain: mitosis}
            source:
              servers:
                - {id: 1, host: s1, address: 198.51.100.1, agent_address: 127.0.0.1, agent_port: 1}
                - {id: 2, host: s2, address: 198.51.100.2, agent_address: 127.0.0.1, agent_port: 1}
                - {id: 3, host: s3, address: 198.51.100.3, agent_address: 127.0.0.1, agent_port: 1}
            destination:
              servers:
                - {id: 4, host: d1, address: 198.51.100.4, agent_address: 127.0.0.1, agent_port: 1}
                - {id: 5, host: d2, address: 198.51.100.5, agent_address: 127.0.0.1, agent_port: 1}
                - {id: 6, host: d3, address: 198.51.100.6, agent_address: 127.0.0.1, agent_port: 1}

            """ + waivers
        try Data(text.utf8).write(to: URL(filePath: directory + "/plan.yaml"))
        do {
            try await body(try PlanReader.read(path: directory + "/plan.yaml"))
        } catch {
            try FileManager.default.removeItem(atPath: directory)
            throw error
        }
        try FileManager.default.removeItem(atPath: directory)
    }

    @Test("a host that the plan does not name is told as such, and nobody is called")
    func stranger() async throws {
        try await Self.withPlan { plan in
            let fleet = try AgentFleet(plan: plan, log: .silent) { Issue.record("\($0)") }
            let host = try #require(HostName("x9"))
            await #expect(throws: FleetError.broken(host: host, reason: "not a host of this inventory")) {
                try await fleet.read("/etc/zoo.cfg", on: host)
            }
            #expect(
                await fleet.observe([host]) == [host: .silent(reason: "x9: not a host of this inventory")]
            )
        }
    }

    @Test("agents that cannot be reached are each a value of the view, with their names")
    func unreachable() async throws {
        try await Self.withPlan { plan in
            let fleet = try AgentFleet(plan: plan, log: .silent) { Issue.record("\($0)") }
            let hosts = plan.agents.map(\.host)
            let view = await fleet.observe(hosts)
            #expect(view.count == 6)
            for host in hosts {
                guard case .silent(let reason)? = view[host] else {
                    Issue.record("\(host) answers")
                    continue
                }
                #expect(reason.hasPrefix("\(host): its agent cannot be reached ("))
            }
        }
    }

    @Test("the coordinator's own certificate is known without asking anybody")
    func ownCredentials() async throws {
        try await Self.withPlan { plan in
            let fleet = try AgentFleet(plan: plan, log: .silent) { Issue.record("\($0)") }
            let own = try #require(await fleet.ownCredentials())
            #expect(own.certificate < (own.authority ?? 0))
        }
    }

    /// What the fleet of a plan refuses to begin with; nil when it begins.
    private static func refusal(of plan: MigrationPlan) -> String? {
        do {
            _ = try AgentFleet(plan: plan, log: .silent) { Issue.record("\($0)") }
            return nil
        } catch {
            return "\(error)"
        }
    }

    @Test("without a revocation list nothing is begun, unless the plan waives the check by name")
    func noList() async throws {
        try await Self.withPlan { plan in
            try FileManager.default.removeItem(atPath: plan.pki.directory + "/ca.crl")
            let said = Self.refusal(of: plan)
            #expect(said?.hasPrefix("there is no revocation list \(plan.pki.directory)/ca.crl: ") == true)
            #expect(said?.contains("waive the check revocation-list") == true)
        }
        let waiver = "waivers: [{check: revocation-list, reason: the authority keeps none}]\n"
        try await Self.withPlan(waiving: waiver) { plan in
            try FileManager.default.removeItem(atPath: plan.pki.directory + "/ca.crl")
            let fleet = try AgentFleet(plan: plan, log: .silent) { Issue.record("\($0)") }
            #expect(await fleet.ownCredentials()?.revocationLists == [])
        }
    }

    @Test("without an authority it is told how to make one")
    func noAuthority() async throws {
        try await Self.withPlan { plan in
            try FileManager.default.removeItem(atPath: plan.pki.directory)
            let said = try #require(Self.refusal(of: plan))
            #expect(said.contains("no certificate authority in \(plan.pki.directory) (pki.directory)"))
            #expect(said.contains("mitosis pki init --directory \(plan.pki.directory)"))
        }
    }

    @Test("an older revocation list is refused by the next program, whatever plan it has")
    func olderList() async throws {
        try await Self.withPlan { plan in
            let list = plan.pki.directory + "/ca.crl"
            let old = try Data(contentsOf: URL(filePath: list))
            let pki = PKIDirectory(path: plan.pki.directory)
            _ = try pki.issue(.viewer(try #require(PeerName("gone"))), now: Date())
            _ = try pki.revoke("gone", now: Date())
            let fleet = try AgentFleet(plan: plan, log: .silent) { Issue.record("\($0)") }
            #expect(await fleet.ownCredentials()?.revocationLists?.map(\.number) == ["2"])
            try old.write(to: URL(filePath: list))
            let said = Self.refusal(of: plan)
            #expect(said?.contains("it holds list number 1, older than number 2") == true)
            // The way on: a list above the one that was seen.
            #expect(try pki.relist(above: RevocationNumber(2), now: Date()) == RevocationNumber(3))
            #expect(Self.refusal(of: plan) == nil)
        }
    }

    @Test(
        "files that others could have written, and keys that they could read, are refused by name",
        .enabled(if: geteuid() == 0, "other users' files need root")
    )
    func owners() async throws {
        let faults: [(file: String, said: String, make: @Sendable (String) -> Int32)] = [
            ("coordinators/test.key", "is open to its group or to others (mode 640)", { chmod($0, 0o640) }),
            ("coordinators/test.key", "belongs to user 1234", { chown($0, 1234, 0) }),
            ("coordinators/test.pem", "can be written by others (mode 646)", { chmod($0, 0o646) }),
            ("ca.pem", "belongs to user 1234", { chown($0, 1234, 0) }),
            ("ca.pem", "can be written by others (mode 664)", { chmod($0, 0o664) }),
            ("ca.crl", "can be written by others (mode 666)", { chmod($0, 0o666) }),
            ("coordinators", "can be written by others (mode 777)", { chmod($0, 0o777) }),
        ]
        for fault in faults {
            try await Self.withPlan { plan in
                try #require(fault.make("\(plan.pki.directory)/\(fault.file)") == 0)
                let said = Self.refusal(of: plan)
                #expect(said?.contains("/\(fault.file) \(fault.said)") == true, "\(said ?? "taken")")
            }
        }
    }

    @Test(
        "a plan file that others could have written is refused",
        .enabled(if: geteuid() == 0, "other users' files need root")
    )
    func planOwners() async throws {
        try await Self.withPlan { plan in
            func refusal() -> String? {
                do throws(PlanError) {
                    _ = try PlanReader.read(path: plan.file, believing: .operator)
                    return nil
                } catch {
                    return "\(error)"
                }
            }
            #expect(refusal() == nil)
            try #require(chmod(plan.file, 0o664) == 0)
            #expect(refusal()?.contains("plan.yaml can be written by others (mode 664)") == true)
            try #require(chmod(plan.file, 0o644) == 0 && chown(plan.file, 1234, 0) == 0)
            #expect(refusal()?.contains("plan.yaml belongs to user 1234") == true)
        }
    }

    @Test(
        "a list that is replaced while a program runs is in use at its next look, and one that is refused is told"
    )
    func replaced() async throws {
        try await Self.withPlan { plan in
            let told = Mutex<[String]>([])
            let fleet = try AgentFleet(plan: plan, log: .silent) { text in told.withLock { $0.append(text) } }
            let pki = PKIDirectory(path: plan.pki.directory)
            _ = try pki.relist(now: Date())
            #expect(await fleet.ownCredentials()?.revocationLists?.map(\.number) == ["2"])
            try Data("garbage".utf8).write(to: URL(filePath: plan.pki.directory + "/ca.crl"))
            let own = try #require(await fleet.ownCredentials())
            #expect(own.revocationLists?.map(\.number) == ["2"])
            #expect(own.failures?.map(\.part) == ["trust"])
            #expect(told.withLock { $0 }.count == 1)
        }
    }
}
