import ControlProtocol
import FoundationEssentials
import Settings
import TestSupport
import Testing

@testable import Provisioning

/// Of a look to what is done.
@Suite("What is decided for a host", .timeLimit(.minutes(1)))
struct HostDecisionTests {
    private static func decide(
        _ verb: ProvisionVerb,
        _ look: [String],
        isDryRun: Bool = false
    ) throws -> SessionDecision {
        let folder = try TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        let text = """
            version: 1
            name: fleet
            pki: {directory: pki, coordinator: ops, trust_domain: example}
            hosts:
            - {host: s1, address: 198.51.100.1, role: zookeeper, state: /srv/mitosis}

            """
        let inventory = try FleetFile.read(path: try folder.write(text, to: "i.yaml")).inventory
        let decision = HostDecision(
            verb: verb,
            inventory: inventory,
            neighbours: inventory.neighbours,
            materials: Materials(
                binary: AgentBinary(Array("binary".utf8)),
                unit: [],
                authority: [],
                revocationList: []
            ),
            coordinator: "ops",
            issued: [],
            isDryRun: isDryRun,
            now: Date(timeIntervalSince1970: 1000)
        )
        return decision.decide(HostLook(look), for: try #require(inventory.hosts.first))
    }

    @Test("a host without a file of ours is lent the program, which alone can tell what was left there")
    func bare() throws {
        guard case .ship(let shipment) = try Self.decide(.uninstall, HostFileTests.look) else {
            Issue.record("nothing is sent")
            return
        }
        #expect(shipment.order.verb == .remove && shipment.order.state == "/srv/mitosis")
        #expect(shipment.contents == [.binary: Array("binary".utf8)])
        guard case .wouldChange(let words) = try Self.decide(.uninstall, HostFileTests.look, isDryRun: true)
        else {
            Issue.record("a dry run sends something")
            return
        }
        #expect(words.contains { $0.contains("no rule of ours stands") }, "\(words)")
    }
}
