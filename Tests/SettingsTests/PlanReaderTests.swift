import ControlProtocol
import Settings
import Testing
import Topology

private func read(_ text: String) throws(PlanError) -> MigrationPlan {
    let document: YAMLDocument
    do {
        document = try YAMLDocument(bytes: Array(text.utf8), file: "plans/plan.yaml")
    } catch {
        throw .unreadable(error)
    }
    return try PlanReader.read(document)
}

/// A plan of any size, with nothing in it that could be left out.
private func text(source: Int, destination: Int, seeds: String = "") -> String {
    let server = { (id: Int, name: String) in
        "    - {id: \(id), host: \(name)\(id), address: 198.51.100.\(id)}\n"
    }
    return "version: 1\nname: kafka-a\npki: {directory: pki, coordinator: ops}\nsource:\n  servers:\n"
        + (1...source).map { server($0, "s") }.joined()
        + "destination:\n  servers:\n"
        + ((source + 1)...(source + destination)).map { server($0, "d") }.joined() + seeds
}

@Suite("Plan files")
struct PlanReaderTests {
    @Test("the example in deploy is a valid plan, and means what it says")
    func example() throws {
        let path = #filePath.replacing(
            "Tests/SettingsTests/PlanReaderTests.swift",
            with: "deploy/example-plan.yaml"
        )
        let plan = try PlanReader.read(path: path)
        #expect(plan.name == "kafka-a")
        #expect(plan.strategy == .participants)
        #expect(plan.digest.count == 64)
        #expect(plan.pki.coordinator == "ops" && plan.pki.trustDomain == "mitosis")
        #expect(plan.pki.directory == path.replacing("example-plan.yaml", with: "pki"))
        #expect(plan.journalPath == path.replacing("example-plan.yaml", with: "kafka-a.journal.sqlite"))
        #expect(plan.source.map(\.host.description) == ["s1", "s2", "s3"])
        #expect(plan.source.map(\.clientPort.number) == [2181, 2182, 2181])
        #expect(plan.source[2].address == "zk3.example")
        #expect(plan.source[2].allAddresses.map(\.description) == ["198.51.100.13", "2001:db8::13"])
        #expect(plan.destination[2].agentAddress == "203.0.113.23")
        #expect(plan.destination[0].agentAddress == "198.51.100.21")
        #expect(plan.seeds.map(\.id.value) == [4, 5])
        #expect(plan.companions.isEmpty)
        #expect(plan.dormant.map(\.id.value) == [6])
        #expect(plan.jointMembers.map(\.id.value) == [1, 2, 3, 4, 5])
        #expect(plan.quorumPorts.map(\.number) == [2888, 3888])
        #expect(plan.deadlines.division == .seconds(60))
    }

    @Test("a wall names every address of the other side, and only those")
    func walls() throws {
        let path = #filePath.replacing(
            "Tests/SettingsTests/PlanReaderTests.swift",
            with: "deploy/example-plan.yaml"
        )
        let plan = try PlanReader.read(path: path)
        let wall = plan.wall(for: plan.destination[0])
        #expect(
            wall.peers.map(\.description) == [
                "198.51.100.11", "198.51.100.12", "198.51.100.13", "2001:db8::12", "2001:db8::13",
            ]
        )
        #expect(wall.scope == .ports(numbers: plan.quorumPorts))
        let opposite = plan.wall(for: plan.source[0])
        #expect(opposite.peers.map(\.description) == ["198.51.100.21", "198.51.100.22", "198.51.100.23"])
        let published = try Self.plan(adding: "firewall: {scope: all-tcp}\n")
        #expect(published.wall(for: published.destination[0]).scope == .allTCP)
    }

    @Test("what may be left out has its default")
    func defaults() throws {
        let plan = try Self.plan(adding: "")
        #expect(plan.strategy == .participants && plan.scope == .quorumPorts)
        #expect(plan.pki.directory == "plans/pki" && plan.pki.trustDomain == "mitosis")
        #expect(plan.journalPath == "plans/kafka-a.journal.sqlite")
        #expect(plan.source[0].service == "zookeeper.service")
        #expect(plan.source[0].configPath == "/etc/zookeeper/conf/zoo.cfg")
        #expect(plan.source[0].agentPort.number == 9760)
        #expect(plan.source[0].line == 6)
        #expect(plan.deadlines.join == .seconds(120) && plan.deadlines.restart == .seconds(120))
        #expect(plan.waivers.isEmpty && !plan.isWaived(.clocks))
    }

    @Test("what is said counts, for all or for one")
    func overrides() throws {
        let plan = try Self.plan(
            adding: "defaults: {client_port: 12181, quorum_port: 12888, election_port: 13888, service: zk, "
                + "config: /opt/zoo.cfg}\nagent_port: 9000\njournal: /var/j.sqlite\n"
                + "waivers: [{check: clocks, reason: lab}]\ndeadlines: {join_seconds: 7}\n"
        )
        #expect(plan.destination.allSatisfy { $0.clientPort.number == 12181 && $0.agentPort.number == 9000 })
        #expect(plan.quorumPorts.map(\.number) == [12888, 13888])
        #expect(plan.source[0].service == "zk" && plan.source[0].configPath == "/opt/zoo.cfg")
        #expect(plan.journalPath == "/var/j.sqlite")
        #expect(plan.isWaived(.clocks) && plan.waivers[0].reason == "lab")
        #expect(plan.deadlines.join == .seconds(7))
    }

    @Test("the same file has the same digest, another file another")
    func digest() throws {
        let one = try Self.plan(adding: "")
        #expect(try Self.plan(adding: "").digest == one.digest)
        #expect(try Self.plan(adding: "# note\n").digest != one.digest)
    }

    @Test(
        "every odd size has seeds that neither outvote the source nor let a quorum form without one",
        arguments: [3, 5, 7],
        [3, 5, 7]
    )
    func sizes(_ source: Int, _ destination: Int) throws {
        let plan = try read(text(source: source, destination: destination))
        #expect(plan.sourceMembers.count * 2 > plan.jointMembers.count)
        #expect(plan.seeds.count * 2 <= plan.jointMembers.count)
        #expect(plan.seeds.count + plan.companions.count == destination / 2 + 1)
        #expect(plan.seeds + plan.companions + plan.dormant == plan.destination)
        #expect(plan.destinationMembers.count == destination)
    }

    @Test("seeds may be chosen by id and by host")
    func seeds() throws {
        let plan = try read(text(source: 3, destination: 3, seeds: "  seeds: [6, d4]\n"))
        #expect(plan.seeds.map(\.id.value) == [6, 4])
        #expect(plan.dormant.map(\.id.value) == [5])
    }

    @Test("observers: every destination server joins without a vote")
    func observers() throws {
        let plan = try Self.plan(adding: "strategy: observers\n")
        #expect(plan.seeds == plan.destination)
        #expect(
            plan.jointMembers.map(\.role) == [
                .participant, .participant, .participant, .observer, .observer, .observer,
            ]
        )
        #expect(plan.destinationMembers.allSatisfy { $0.role == .participant })
    }

    private static func plan(adding end: String) throws(PlanError) -> MigrationPlan {
        try read(text(source: 3, destination: 3) + end)
    }
}
