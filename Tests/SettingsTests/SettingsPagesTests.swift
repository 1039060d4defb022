import FoundationEssentials
import Settings
import TestSupport
import Testing

/// What docs/plan-file.md and docs/inventory.md say of least, most and default, against what the readers take.
@Suite("settings in documents")
struct SettingsPagesTests {
    /// Everything that a plan must have, each key on its line whatever else is stated.
    private static let plan = StatedFile(
        """
        version: 1
        name: kafka-a
        pki: {<pki>}
        source:
          servers:
            - {<server>}
            - {id: 2, host: s2, address: 198.51.100.12}
            - {id: 3, host: s3, address: 198.51.100.13}
        destination:
          servers:
            - {id: 4, host: d1, address: 198.51.100.21}
            - {id: 5, host: d2, address: 198.51.100.22}
            - {id: 6, host: d3, address: 198.51.100.23}
        defaults: {<defaults>}
        firewall: {<firewall>}
        deadlines: {<deadlines>}
        kafka: {<kafka>}
        proofs: {<proofs>}
        trees: [/app]
        clients: {<clients>}
        tests: [{<test>}]
        <>
        """,
        [
            "pki": [("directory", "pki"), ("coordinator", "ops")],
            "server": [("id", "1"), ("host", "s1"), ("address", "198.51.100.11")],
            "kafka": [("brokers", "[{<broker>}]"), ("chroot", "/kafka")],
            "broker": [("id", "1"), ("host", "k1"), ("address", "198.51.100.31")],
            "clients": [("move", "[{<client>}]")],
            "client": [
                ("name", "registry"), ("host", "a1"), ("address", "198.51.100.41"),
                ("service", "registry.service"), ("config", "/etc/registry"),
                ("connect", "{property: zk}"), ("tree", "/app"),
            ],
            "test": [("name", "orders"), ("run", "[/usr/bin/true]"), ("when", "[after]")],
        ]
    )
    private static let planGroups = [
        "A server:": "server", "## Proofs": "proofs", "## Kafka": "kafka", "A broker:": "broker",
        "each client": "client", "A test:": "test",
    ]

    private static let inventory = StatedFile(
        """
        version: 1
        name: payments
        pki: {<pki>}
        defaults: {ssh: {<ssh>}, <defaults>}
        hosts:
          - {<host>}
        <>
        """,
        [
            "pki": [("directory", "pki"), ("coordinator", "ops")],
            "host": [("host", "zk1"), ("address", "198.51.100.1")],
        ]
    )
    private static let inventoryGroups = [
        "A host, or a range of hosts:": "host", "## Settings of hosts": "defaults",
    ]

    /// The group and the key that a row's word stands for.
    private static func place(
        _ word: String,
        _ section: String,
        _ groups: [String: String]
    ) -> (group: String, key: String) {
        let parts = word.split(separator: ".").map(String.init)
        if parts.count == 2 { return (parts[0], parts[1]) }
        return (groups[section] ?? "", word)
    }

    private static func document(_ text: String) throws -> YAMLDocument {
        try YAMLDocument(bytes: Array(text.utf8), file: "file.yaml")
    }

    /// What a reader says of a text; empty when it takes it.
    private static func complaint(_ text: String, _ read: (YAMLDocument) throws -> Void) -> String {
        do {
            try read(try document(text))
            return ""
        } catch {
            return "\(error)"
        }
    }

    private static func comparesBounds(
        _ page: String,
        _ file: StatedFile,
        _ groups: [String: String],
        atLeast count: Int,
        _ read: (YAMLDocument) throws -> Void
    ) throws {
        #expect(complaint(file.text, read) == "")
        let told = try Regex("must be from ([0-9]+) to ([0-9]+)", as: (Substring, Substring, Substring).self)
        var bounded = 0
        // Kafka's `batch` has a sentence of its own for all that is not 1.
        for row in try SettingsPage(page).rows where (row.section, row.keys) != ("## Kafka", ["batch"]) {
            let found = row.keys.flatMap { word -> [String] in
                let (group, key) = place(word, row.section, groups)
                let number = row.usual?.hasPrefix("[") == true ? "[1000000000000]" : "1000000000000"
                let said = complaint(file.stating(key, number, in: group).text, read)
                return said.matches(of: told).map { "\($0.output.1) to \($0.output.2)" }
            }
            bounded += found.count
            #expect(row.bounds == Set(found), "\(page), \(row.section): \(row.keys)")
        }
        #expect(bounded >= count)
    }

    private static func comparesDefaults<Value>(
        _ page: String,
        _ file: StatedFile,
        _ groups: [String: String],
        atLeast count: Int,
        besides section: String = "",
        _ read: (YAMLDocument) throws -> (value: Value, digest: String)
    ) throws {
        func shown(_ text: String) throws -> String {
            let (value, digest) = try read(try document(text))
            return "\(value)".replacing(digest, with: "")
        }
        let plain = try shown(file.text)
        var compared = 0
        for row in try SettingsPage(page).rows where row.section != section {
            guard let usual = row.usual?.replacing("NAME", with: "kafka-a") else { continue }
            for word in row.keys {
                let (group, key) = place(word, row.section, groups)
                let isUsual = try shown(file.stating(key, usual, in: group).text) == plain
                #expect(isUsual, "\(page), \(row.section): \(word) is not \(usual) by itself")
                compared += 1
            }
        }
        #expect(compared >= count)
    }

    @Test("every number of a plan has the least and the most that docs/plan-file.md says")
    func planBounds() throws {
        try Self.comparesBounds("docs/plan-file.md", Self.plan, Self.planGroups, atLeast: 24) {
            _ = try PlanReader.read($0)
        }
    }

    @Test("a plan in which a default of docs/plan-file.md is stated is the plan without it")
    func planDefaults() throws {
        try Self.comparesDefaults("docs/plan-file.md", Self.plan, Self.planGroups, atLeast: 25) {
            let plan = try PlanReader.read($0)
            return (plan, plan.digest)
        }
    }

    @Test("every number of an inventory has the least and the most that docs/inventory.md says")
    func inventoryBounds() throws {
        try Self.comparesBounds("docs/inventory.md", Self.inventory, Self.inventoryGroups, atLeast: 5) {
            _ = try InventoryReader.read($0)
        }
    }

    /// Those of settings of hosts are nobody's before a host has got its files: `InventoryPageTests`.
    @Test("an inventory in which a default of docs/inventory.md is stated is the inventory without it")
    func inventoryDefaults() throws {
        try Self.comparesDefaults(
            "docs/inventory.md",
            Self.inventory,
            Self.inventoryGroups,
            atLeast: 2,
            besides: "## Settings of hosts"
        ) {
            let inventory = try InventoryReader.read($0)
            return (inventory, inventory.digest)
        }
    }

    @Test("the inventory that docs/quick-start.md begins with is read as it stands")
    func quickStart() throws {
        let page = try SettingsPage.text("docs/quick-start.md")
        let fence = try #require(page.split(separator: "```yaml\n").last?.split(separator: "```").first)
        let inventory = try InventoryReader.read(try Self.document(String(fence)))
        #expect(inventory.hosts.count == 9 && inventory.groups.map(\.name) == ["zookeeper", "brokers"])
    }
}
