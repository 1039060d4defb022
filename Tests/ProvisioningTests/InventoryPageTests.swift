import Settings
import TestSupport
import Testing

@testable import Provisioning

/// What docs/inventory.md says of settings of hosts, against what a host gets.
@Suite("settings of hosts in documents")
struct InventoryPageTests {
    private static let inventory = StatedFile(
        """
        version: 1
        name: payments
        pki: {directory: pki, coordinator: ops}
        defaults: {ssh: {<ssh>}, <defaults>}
        hosts:
          - {host: s1, address: 198.51.100.1, role: zookeeper}

        """,
        [:]
    )

    /// Its agent.yaml, and how ssh is called for it.
    private static func gets(_ text: String) throws -> (file: String, ssh: [String]) {
        let document = try YAMLDocument(bytes: Array(text.utf8), file: "hosts.yaml")
        let inventory = try InventoryReader.read(document)
        let host = try #require(inventory.hosts.first)
        let judgement = LookJudgement(
            HostLook(HostFileTests.look),
            host,
            binary: AgentBinary([]),
            neighbours: inventory.neighbours,
            now: 1000
        )
        let settled = try #require(judgement.settled)
        return (
            AgentFileText(host, settled, pki: inventory.pki).text,
            SSHCommand(host: host, running: ["id"], asksPassword: false).arguments
        )
    }

    @Test("a host whose inventory states a default of docs/inventory.md gets what it gets without")
    func defaults() throws {
        let plain = try Self.gets(Self.inventory.text)
        var compared = 0
        for row in try SettingsPage("docs/inventory.md").rows where row.section == "## Settings of hosts" {
            guard let usual = row.usual else { continue }
            for word in row.keys {
                let parts = word.split(separator: ".").map(String.init)
                let (group, key) = parts.count == 2 ? (parts[0], parts[1]) : ("defaults", word)
                let stated = try Self.gets(Self.inventory.stating(key, usual, in: group).text)
                #expect(stated == plain, "\(word) is not \(usual) by itself")
                compared += 1
            }
        }
        #expect(compared >= 6)
    }
}
