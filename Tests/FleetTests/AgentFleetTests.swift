import CertificateAuthority
import ControlProtocol
import Fleet
import FoundationEssentials
import Logs
import MutualTLS
import Settings
import Testing

@Suite("The fleet of a plan's agents", .timeLimit(.minutes(1)))
struct AgentFleetTests {
    /// A plan whose agents are on a port where nobody listens.
    private static func withPlan(_ body: (MigrationPlan) async throws -> Void) async throws {
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

            """
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
            await #expect(throws: FleetError.broken(host: host, reason: "not a host of this plan")) {
                try await fleet.read("/etc/zoo.cfg", on: host)
            }
            #expect(await fleet.observe([host]) == [host: .silent(reason: "x9: not a host of this plan")])
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
}
