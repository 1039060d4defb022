import FoundationEssentials
import LabKit
import Testing

@Suite("A Kafka distribution")
struct KafkaDistributionTests {
    @Test(
        "tells its version by its jar",
        arguments: [
            ("kafka_2.13-3.3.1.jar", KafkaVersion(3, 3)), ("kafka_2.9.2-0.8.1.1.jar", KafkaVersion(0, 8)),
            ("kafka_2.12-2.2.0.jar", KafkaVersion(2, 2)),
        ]
    )
    func version(name: String, expected: KafkaVersion) {
        #expect(KafkaVersion(jar: name) == expected)
    }

    @Test(
        "is not told by other jars",
        arguments: [
            "kafka_2.13-3.3.1-sources.jar", "kafka-clients-3.3.1.jar", "kafka_2.13.jar", "kafka_2.13-x.y.jar",
            "kafka-server-common-3.3.1.jar",
        ]
    )
    func noVersion(name: String) {
        #expect(KafkaVersion(jar: name) == nil)
    }

    static func withHome(_ jars: [String], _ body: (String) throws -> Void) throws {
        let home = "/var/tmp/mitosis-lab/kafka\(UInt32.random(in: 0..<1_000_000))"
        try Folder.make(home + "/libs")
        for jar in jars { try Folder.write("", to: "\(home)/libs/\(jar)") }
        try body(home)
        try Folder.remove(home)
    }

    @Test("of the user is run from its own folder and makes topics its own way")
    func own() throws {
        try Self.withHome(["kafka-clients-3.3.1.jar", "kafka_2.13-3.3.1.jar"]) { home in
            let kafka = try KafkaDistribution.own(home, python: "/python")
            #expect(kafka.version == KafkaVersion(3, 3))
            #expect(kafka.brokerCommand(configuration: "/c", logging: "/l").contains(home + "/libs/*"))
            let topic = kafka.topicCommand("t", partitions: 3, replicas: 2, zooKeeper: "z/k", broker: "b:1")
            #expect(topic.starts(with: [home + "/bin/kafka-topics.sh", "--bootstrap-server", "b:1"]))
        }
        try Self.withHome(["kafka_2.11-2.1.1.jar"]) { home in
            let kafka = try KafkaDistribution.own(home, python: "/python")
            let topic = kafka.topicCommand("t", partitions: 3, replicas: 2, zooKeeper: "z/k", broker: "b:1")
            #expect(topic.starts(with: [home + "/bin/kafka-topics.sh", "--zookeeper", "z/k"]))
        }
    }

    @Test("without a broker or without a ZooKeeper mode is refused")
    func refused() throws {
        try Self.withHome(["kafka-clients-3.3.1.jar"]) { home in
            #expect(throws: LabError.self) { try KafkaDistribution.own(home, python: "/python") }
        }
        try Self.withHome(["kafka_2.13-4.0.0.jar"]) { home in
            #expect {
                try KafkaDistribution.own(home, python: "/python")
            } throws: { error in
                "\(error)".contains("no ZooKeeper mode")
            }
        }
    }

    @Test("gets the properties of its time")
    func properties() throws {
        let configuration = try LabConfiguration(brokers: 3)
        let host = configuration.brokerHosts[1]
        let old = KafkaServer.properties(
            of: host,
            in: configuration,
            version: KafkaVersion(0, 8),
            data: "/data"
        )
        #expect(
            old == """
                # Kafka on k2
                broker.id=2
                port=9092
                host.name=198.51.100.32
                advertised.host.name=198.51.100.32
                log.dirs=/data

                # Where the cluster keeps its metadata
                zookeeper.connect=198.51.100.11:2181,198.51.100.12:2181,198.51.100.13:2181/kafka
                # Before 2.5 the default is 6 s, which a busy election can outlast.
                zookeeper.session.timeout.ms=18000
                zookeeper.connection.timeout.ms=18000

                num.partitions=3
                default.replication.factor=3
                auto.create.topics.enable=false
                # acks=-1 waits for every replica in sync.

                # A stopping broker hands its partitions over first.
                controlled.shutdown.enable=true
                controlled.shutdown.max.retries=3
                controlled.shutdown.retry.backoff.ms=1000

                """
        )
        let new = KafkaServer.properties(
            of: host,
            in: configuration,
            version: KafkaVersion(3, 3),
            data: "/data"
        )
        #expect(new.contains("\nlisteners=PLAINTEXT://198.51.100.32:9092\n"))
        #expect(new.contains("\nmin.insync.replicas=2\n"))
        #expect(!new.contains("host.name="))
    }

    @Test("a lab whose record is older than brokers has none")
    func olderRecord() throws {
        let text = """
            {"agents": true, "destinations": 3, "directory": "/var/tmp/mitosis-lab/x", "mode": "processes",
             "name": "x", "sources": 3}
            """
        let configuration = try JSONDecoder().decode(LabConfiguration.self, from: Data(text.utf8))
        #expect(configuration.brokers == 0)
        #expect(configuration.hosts == (try LabConfiguration(name: "x")).hosts)
    }
}
