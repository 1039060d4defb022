import ControlProtocol
import FoundationEssentials
import Settings
import TestSupport
import Testing

@testable import Provisioning

/// Of a look to what is done.
@Suite("What is decided for a host", .timeLimit(.minutes(10)))
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

    @Test(
        "rules that were not the same while something broken off was ended are told, whatever was asked for",
        arguments: [ProvisionVerb.install, .upgrade, .configure, .uninstall]
    )
    func recovered(verb: ProvisionVerb) throws {
        let proof = RulesProof(rulesBefore: 3, rulesAfter: 0, looks: 9, isIdentical: false)
        let look = HostFileTests.look + ["fact rules \(proof.words)", "fact recovered yes"]
        #expect(HostLook(look).recoveredRules == proof)
        guard case .refuse(let reasons) = try Self.decide(verb, look) else {
            Issue.record("not refused")
            return
        }
        #expect(reasons.count == 1 && reasons[0].contains("3 before, 0 after"), "\(reasons)")
        let same = look.map { $0.replacing("3 0 9 other", with: "3 3 9 same") }
        #expect(HostLook(same).recoveredRules?.isIdentical == true)
        if case .refuse(let reasons) = try Self.decide(verb, same) {
            #expect(!reasons.contains { $0.contains("the same") }, "\(reasons)")
        }
        for words in ["3 3 9", "3 3 9 maybe", "-1 3 9 same", "x 3 9 same", "3 3 99999999999999999999 same"] {
            #expect(HostLook(["fact rules \(words)"]).recoveredRules == nil)
        }
    }
}
