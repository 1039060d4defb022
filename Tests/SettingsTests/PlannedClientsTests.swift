import ControlProtocol
import Settings
import Testing
import Topology

@Suite("clients that move, in plan files")
struct PlannedClientsTests {
    private static let kafka = "kafka: {brokers: [{id: 1, host: k1, address: 198.51.100.31}]}\n"
    private static let app =
        "name: app, host: a1, address: 10.0.0.1, service: app.service, config: /etc/app, tree: /app, connect: {property: zk}"

    private func read(_ text: String) throws -> MigrationPlan {
        let bytes = Array((PlanText.servers + text).utf8)
        return try PlanReader.read(try YAMLDocument(bytes: bytes, file: "plan.yaml"))
    }

    private func move(_ items: String..., trees: String = "trees: [/app]\n", more: String = "") throws
        -> MigrationPlan
    {
        try read(trees + "clients:\n  move:\n" + items.map { "    - {\($0)}\n" }.joined() + more)
    }

    @Test("without the section, or with ignored clients only, nobody else moves")
    func nobody() throws {
        #expect(try read("").clients.all.isEmpty)
        let ignoring = try read("clients: {ignore: [{address: 10.0.0.7, reason: reads}]}\n")
        #expect(ignoring.clients.all.isEmpty && ignoring.census.ignored.count == 1)
        #expect(!ignoring.clients.restartsCompleted)
        #expect(try read("clients: {restart_completed: true}\n").clients.restartsCompleted)
    }

    @Test("every key is read, with its defaults; an agent counts once for its host")
    func keys() throws {
        let plan = try read(
            Self.kafka
                + """
                trees: [/app, /locks]
                clients:
                  deadline_seconds: 60
                  pause_seconds: 5
                  move:
                    - name: registry
                      host: a1
                      address: app1.example.org
                      agent_address: 10.1.0.1
                      agent_port: 9999
                      service: registry.service
                      config: /etc/registry.properties
                      connect: {property: kafkastore.connection.url}
                      tree: /app/registry
                      ephemerals: /app/registry/live
                    - {name: ui, host: a1, service: ui.service, config: /etc/ui.env, connect: {variable: ZK_HOST}, tree: /locks, ephemerals: /locks/ui}
                    - {name: mirror, host: k1, service: mirror.service, config: /etc/mirror.xml, tree: /locks, ephemerals: /locks/m, connect: {text: "<h>s1</h>", becomes: "<h>d1</h>"}}

                """
        )
        #expect(plan.clients.deadline == .seconds(60) && plan.clients.pause == .seconds(5))
        let all = plan.clients.all
        #expect(all.map(\.name) == ["registry", "ui", "mirror"])
        #expect(all.map(\.address) == ["app1.example.org", "app1.example.org", "198.51.100.31"])
        #expect(all[0].agent.address == "10.1.0.1" && all[0].agent.port.number == 9999)
        #expect(all.map(\.isAlone) == [false, false, false])
        #expect(all[0].connect == .property(key: "kafkastore.connection.url"))
        #expect(all[1].connect == .variable(name: "ZK_HOST"))
        #expect(all[2].connect == .text(old: "<h>s1</h>", becomes: "<h>d1</h>"))
        #expect(plan.agents.map(\.host.description).suffix(2) == ["k1", "a1"])
        let inventory = plan.inventory
        let hosts = Dictionary(uniqueKeysWithValues: inventory.hosts.map { ($0.host.description, $0) })
        #expect(hosts["a1"]?.settings.service == "registry.service")
        #expect(hosts["a1"]?.settings.services == ["ui.service"])
        #expect(hosts["a1"]?.settings.files == ["/etc/ui.env"])
        #expect(hosts["k1"]?.settings.services == ["mirror.service"] && hosts["k1"]?.settings.role == .kafka)
        #expect(hosts["k1"]?.groups == ["brokers", "clients"])
    }

    @Test("what else must be seen of a client is read, and its service belongs to its host's")
    func healthy() throws {
        let other = Self.app.replacing("name: app,", with: "name: b,").replacing("a1", with: "a2")
            .replacing("10.0.0.1", with: "10.0.0.2")
        let plan = try move(
            Self.app + ", healthy: {port: 8081, service: probe.service}",
            other + ", healthy: {port: 1}",
            more: "  batch: 5\n"
        )
        #expect(plan.clients.batch == 5)
        #expect(plan.clients.all.map { $0.healthy?.port?.number } == [8081, 1])
        #expect(plan.clients.all.map { $0.healthy?.service } == ["probe.service", nil])
        let hosts = Dictionary(uniqueKeysWithValues: plan.inventory.hosts.map { ($0.host.description, $0) })
        #expect(hosts["a1"]?.settings.services == ["probe.service"] && hosts["a2"]?.settings.services == nil)
        for text in ["{}", "{port: 0}", "{port: 65536}", "{service: a/b}", "{ports: 1}", "3"] {
            #expect(throws: PlanError.self, "\(text)") { try move(Self.app + ", healthy: \(text)") }
        }
        #expect(try move(Self.app).clients.batch == 1)
    }

    @Test("one that has its host for itself needs no ephemerals")
    func alone() throws {
        let plan = try move(Self.app)
        #expect(plan.clients.all.map(\.isAlone) == [true])
        #expect(plan.clients.deadline == .seconds(300) && plan.clients.pause == .zero)
    }

    @Test(
        "mistakes are told with their line and what to do",
        arguments: [

            ([app, app.replacing("a1", with: "a2")], "'app' is a client on line"),
            ([app.replacing("/app", with: "/other")], "which does not move (what moves is /app)"),
            ([app.replacing("{property: zk}", with: "{}")], "names one place"),
            ([app.replacing("{property: zk}", with: "{property: zk, text: a}")], "names one place"),
            (
                [app.replacing("{property: zk}", with: "{property: zk, becomes: a}")],
                "'becomes' goes with 'text'"
            ),
            ([app.replacing("{property: zk}", with: "{variable: 1A}")], "Write a variable's name"),
            ([app.replacing("{property: zk}", with: "{variable: \"A\\u0007\"}")], "control characters"),
            ([app.replacing("{property: zk}", with: "{text: \" a\"}")], "without blanks around it"),
            ([app + ", ephemerals: /elsewhere"], "not in this client's tree /app"),
            ([app + ", ephemerals: app"], "no path of a node"),
            ([app.replacing("host: a1", with: "host: s1")], "is a ZooKeeper server as well"),
            ([app.replacing("10.0.0.1", with: "no host")], "no host"),
            ([app.replacing("/etc/app", with: "etc/app")], "config"),
            ([app.replacing("app.service", with: "-x")], "service"),
            ([app.replacing("service: app.service, ", with: "")], "service"),
            ([app.replacing("tree: /app, ", with: "")], "tree"),
            ([app.replacing("address: 10.0.0.1, ", with: "")], "address"),
            (
                [app, "name: b, host: a1, service: b, config: /etc/b, tree: /app, connect: {property: zk}"],
                "Say under 'ephemerals' where this client registers"
            ),
            (
                [
                    app + ", ephemerals: /app/x",
                    "name: b, host: a1, address: 10.0.0.2, service: b, config: /etc/b, tree: /app, ephemerals: /app/y, connect: {property: zk}",
                ], "'10.0.0.1' for the same host"
            ),
            (
                [
                    app + ", ephemerals: /app/x",
                    "name: b, host: a1, service: b, config: /etc/app, tree: /app, ephemerals: /app/y, connect: {property: zk}",
                ], "is another's file on line"
            ),
            ([app + ", port: 1"], "port"),
        ]
    )
    func mistakes(_ items: [String], _ said: String) throws {
        let text = "trees: [/app]\nclients:\n  move:\n" + items.map { "    - {\($0)}\n" }.joined()
        let error = #expect(throws: PlanError.self) { try read(text) }
        let description = "\(error.map { "\($0)" } ?? "")"
        #expect(description.contains(said), "\(description)")
        #expect(description.contains("plan.yaml:"), "\(description)")
    }

    @Test("seconds out of their range, and a list that is none, are refused")
    func numbers() throws {
        for text in [
            "restart_completed: 1", "batch: 0", "batch: 201", "deadline_seconds: 5", "pause_seconds: -1",
            "move: 3", "moves: []",
        ] {
            #expect(throws: PlanError.self, "\(text)") { try read("clients: {\(text)}\n") }
        }
    }
}
