import ControlProtocol
import Settings
import Testing
import Topology

private let servers = PlanText.servers(adding: "agent_port: 9800\n")

private func read(_ text: String) throws -> MigrationPlan {
    try PlanReader.read(try YAMLDocument(bytes: Array(text.utf8), file: "plan.yaml"))
}

@Suite("Kafka in plan files")
struct KafkaPlanTests {
    @Test("a plan without a kafka section has no brokers")
    func without() throws {
        let plan = try read(servers)
        #expect(plan.kafka == nil)
        #expect(plan.brokers.isEmpty)
        #expect(plan.agents.map(\.host.description) == ["s1", "s2", "s3", "d1", "d2", "d3"])
    }

    @Test("what a kafka section leaves out has its default")
    func defaults() throws {
        let plan = try read(servers + "kafka: {brokers: [{id: 0, host: k1, address: kafka1.example}]}\n")
        let kafka = try #require(plan.kafka)
        #expect(kafka.chroot.isEmpty)
        #expect(kafka.reads == 3)
        #expect(kafka.interval == .seconds(1))
        #expect(kafka.deadline == .seconds(300))
        let broker = try #require(kafka.brokers.first)
        #expect(broker.id == BrokerID(0))
        #expect(broker.name == "broker 0 (k1)")
        #expect(broker.service == "kafka.service")
        #expect(broker.configPath == "/etc/kafka/server.properties")
        #expect(broker.agent.address == "kafka1.example")
        #expect(broker.agent.port.number == 9800)
        #expect(plan.agents.last == broker.agent)
    }

    @Test("what a kafka section says is taken as said")
    func complete() throws {
        let plan = try read(
            servers + """
                kafka:
                  chroot: /central/kafka-a
                  reads: 5
                  interval_seconds: 2
                  deadline_seconds: 60
                  batch: 1
                  brokers:
                    - {id: 1001, host: k1, address: 198.51.100.31, agent_address: 203.0.113.31, agent_port: 9761,
                       service: kafka-a.service, config: /srv/kafka/server.properties}

                """
        )
        let kafka = try #require(plan.kafka)
        #expect(kafka.chroot == "/central/kafka-a")
        #expect(kafka.reads == 5 && kafka.interval == .seconds(2) && kafka.deadline == .seconds(60))
        let broker = try #require(kafka.brokers.first)
        #expect(broker.agent.address == "203.0.113.31" && broker.agent.port.number == 9761)
        #expect(broker.service == "kafka-a.service" && broker.configPath == "/srv/kafka/server.properties")
    }

    @Test("a chroot of one slash is none")
    func rootChroot() throws {
        let brokers = "brokers: [{id: 1, host: k1, address: 198.51.100.31}]"
        #expect(try read(servers + "kafka: {chroot: /, \(brokers)}\n").kafka?.chroot.isEmpty == true)
    }
}

extension PlanMistakesTests {
    private static let broker = "{id: 1, host: k1, address: 198.51.100.31}"

    private static func kafka(_ section: String, _ said: String...) -> Mistake {
        Mistake("version: 1\n", "version: 1\nkafka: \(section)\n", said: said)
    }

    static let kafka = [
        kafka("{}", "p:2: 'brokers' is missing here. Add it."),
        kafka(
            "{brokers: []}",
            "p:2: 'brokers' is empty. List every broker of the cluster, or leave 'kafka' out."
        ),
        kafka(
            "{batch: 2, brokers: [\(broker)]}",
            "p:2: 'batch' is 2, but only one broker at a time is restarted by this version. Write 1."
        ),
        kafka(
            "{chroot: kafka, brokers: [\(broker)]}",
            "p:2: 'chroot' is 'kafka', which is no path of ZooKeeper. Write it as in zookeeper.connect, from '/', "
                + "or leave it out when there is none."
        ),
        kafka(
            "{chroot: /a//b, reads: 0, brokers: [\(broker)]}",
            "p:2: 'chroot' is '/a//b', which is no path of ZooKeeper. Write it as in zookeeper.connect, from '/', "
                + "or leave it out when there is none.",
            "p:2: 'reads' must be from 1 to 100, but is 0."
        ),
        kafka(
            "{brokers: [\(broker), \(broker)]}",
            "p:2: broker id 1 is already used on line 2. Give every broker its own broker.id.",
            "p:2: host 'k1' is already listed on line 2. List every host once."
        ),
        kafka(
            "{brokers: [{id: 1, host: s2, address: 198.51.100.31}]}",
            "p:2: host 's2' is a ZooKeeper server as well (line 8), which is not supported: its agent would serve "
                + "both. Move the broker to a host of its own, or leave it out."
        ),
        kafka(
            "{brokers: [{id: -1, host: k1, adress: a}]}",
            "p:2: 'address' is missing here. Add it.",
            "p:2: 'id' must be from 0 to 2147483647, but is -1.",
            "p:2: unknown key 'adress'. Did you mean 'address'?"
        ),
        kafka(
            "{brokers: [{id: 1, host: k1, address: 'a b', config: x}]}",
            "p:2: 'a b' is neither an IP address nor a host name. Correct it (IPv6 without brackets).",
            "p:2: 'config' is 'x', which is not absolute. Write the path on the server from '/'."
        ),
    ]
}
