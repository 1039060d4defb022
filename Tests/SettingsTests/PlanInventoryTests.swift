import ControlProtocol
import FoundationEssentials
import Settings
import TestSupport
import Testing
import Topology

private let inventory = """
    version: 1
    name: fleet
    pki: {directory: pki, coordinator: ops, trust_domain: example}
    defaults: {config: /opt/zoo.cfg}
    groups: {old: {hosts: ["s*"], ssh: {user: admin}}}
    hosts:
    - {host: "s[1-3]", address: "198.51.100.[1-3]"}
    - {host: "d[4-6]", address: "198.51.100.[4-6]", agent_port: 9000}
    - {host: k1, address: 198.51.100.7, service: broker.service, config: /opt/k.properties}
    - {host: unused, address: 198.51.100.8}

    """

private let plan = """
    version: 1
    name: kafka-a
    inventory: i.yaml
    source: {servers: [{id: 1, host: s1}, {id: 2, host: s2}, {id: 3, host: s3}]}
    destination: {servers: [{id: 4, host: d4}, {id: 5, host: d5}, {id: 6, host: d6}]}
    kafka: {brokers: [{id: 1, host: k1}]}

    """

/// Both files in a folder of their own, which is removed afterwards.
private func withFiles<Value>(
    _ plan: String,
    _ inventory: String,
    _ body: (String) throws -> Value
) throws -> Value {
    let folder = try TemporaryFolder()
    defer { withExtendedLifetime(folder) {} }
    try Data(plan.utf8).write(to: URL(filePath: "\(folder.path)/p.yaml"))
    try Data(inventory.utf8).write(to: URL(filePath: "\(folder.path)/i.yaml"))
    return try body(folder.path)
}

@Suite("Plans that refer to an inventory")
struct PlanInventoryTests {
    @Test("hosts, certificates and services come from the inventory")
    func refers() throws {
        try withFiles(plan, inventory) { folder in
            let plan = try PlanReader.read(path: "\(folder)/p.yaml")
            #expect(plan.source.map(\.address) == ["198.51.100.1", "198.51.100.2", "198.51.100.3"])
            #expect(plan.destination.map(\.agentPort.number) == [9000, 9000, 9000])
            #expect(plan.source.map(\.configPath) == Array(repeating: "/opt/zoo.cfg", count: 3))
            #expect(plan.brokers.map(\.service) == ["broker.service"])
            #expect(plan.pki.directory == "\(folder)/pki" && plan.pki.trustDomain == "example")
            let own = plan.inventory
            #expect(own.hosts.map(\.host.description) == ["s1", "s2", "s3", "d4", "d5", "d6", "k1"])
            #expect(own.groups.map(\.name) == ["source", "destination", "brokers", "old"])
            #expect(own.hosts[0].settings.ssh.user == "admin" && own.hosts[6].settings.role == .kafka)
            #expect(own.agents == plan.agents)
            let held = own.hosts.filter { $0.settings.hold == true }.map(\.host.description)
            #expect(held == ["d4", "d5", "d6"])
        }
        // The inventory's word goes before.
        let other = inventory.replacing("agent_port: 9000}", with: "agent_port: 9000, hold: false}")
        try withFiles(plan, other) { folder in
            let hosts = try PlanReader.read(path: "\(folder)/p.yaml").inventory.hosts
            #expect(!hosts.contains { $0.settings.hold == true })
        }
    }

    @Test("a plan of its own carries an inventory of its own")
    func carries() throws {
        let path = #filePath.replacing(
            "Tests/SettingsTests/PlanInventoryTests.swift",
            with: "deploy/example-plan.yaml"
        )
        let file = try FleetFile.read(path: path)
        let plan = try #require(file.plan)
        #expect(file.inventory.agents == plan.agents && file.inventory.pki == plan.pki)
        #expect(file.inventory.hosts[2].address == "zk3.example")
        #expect(file.inventory.hosts[2].allAddresses == plan.source[2].allAddresses)
        let other = try FleetFile.read(path: path.replacing("example-plan", with: "example-inventory"))
        #expect(other.plan == nil && other.inventory.hosts.count == 9)
    }

    @Test("a changed inventory makes another plan of it: a run that goes on notices")
    func digest() throws {
        let first = try withFiles(plan, inventory) { try PlanReader.read(path: "\($0)/p.yaml").digest }
        let changed = inventory.replacing(
            "[1-3]\", address: \"198.51.100.[1-3]",
            with: "[1-3]\", address: \"198.51.100.[11-13]"
        )
        #expect(changed != inventory)
        let second = try withFiles(plan, changed) { try PlanReader.read(path: "\($0)/p.yaml").digest }
        #expect(first != second)
    }

    @Test(
        "what cannot be right is named",
        arguments: [
            ("host: s1}", "host: s9}", "p.yaml:4: host 's9' is not in the inventory"),
            (
                "host: s1}", "host: s1, address: 198.51.100.9}",
                "p.yaml:4: 'address' is '198.51.100.9' here and"
            ),
            ("host: d4}", "host: d4, agent_port: 9760}", "p.yaml:5: 'agent_port' is '9760' here and '9000'"),
            ("host: s1}", "host: s1, config: /x}", "p.yaml:4: 'config' is '/x' here and '/opt/zoo.cfg'"),
            ("i.yaml", "absent.yaml", "p.yaml:3: the inventory cannot be used"),
            ("i.yaml", "p.yaml", "p.yaml:3: the inventory cannot be used"),
            ("host: k1}", "host: k2}", "p.yaml:6: host 'k2' is not in the inventory"),
        ]
    )
    func mistakes(old: String, new: String, said: String) throws {
        try withFiles(plan.replacing(old, with: new), inventory) { folder in
            let error = #expect(throws: PlanError.self) { try PlanReader.read(path: "\(folder)/p.yaml") }
            let text = "\(try #require(error))".replacing("\(folder)/", with: "")
            #expect(text.contains(said), "\(text)")
        }
    }

    @Test("what the plan repeats as it is there is no mistake")
    func repeats() throws {
        try withFiles(plan.replacing("host: s1}", with: "host: s1, address: 198.51.100.1}"), inventory) {
            folder in
            let plan = try PlanReader.read(path: "\(folder)/p.yaml")
            #expect(plan.source[0].address == "198.51.100.1")
        }
    }
}
