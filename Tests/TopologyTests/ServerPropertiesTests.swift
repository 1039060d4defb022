import Testing
import Topology

@Suite("server.properties")
struct ServerPropertiesTests {
    private static let seeds = "198.51.100.21:2181,198.51.100.22:2181/kafka"

    private static func rewritten(_ text: String, to connect: String = seeds) throws -> String {
        let properties = try ServerProperties(Array(text.utf8))
        let wanted = try #require(ConnectString(connect))
        return String(decoding: try properties.replacingConnect(with: wanted).content, as: UTF8.self)
    }

    @Test("reads what the migration needs to know")
    func reads() throws {
        let properties = try ServerProperties(
            Array(
                """
                broker.id=7
                log.dirs = /data/a, /data/b
                zookeeper.connect=198.51.100.11:2181,198.51.100.12/kafka
                zookeeper.session.timeout.ms=6000
                zookeeper.connection.timeout.ms = 18000

                """.utf8
            )
        )
        #expect(properties.brokerID == BrokerID(7))
        #expect(properties.logDirs == ["/data/a", "/data/b"])
        #expect(properties.zookeeperConnect.chroot == "/kafka")
        #expect(properties.zookeeperConnect.servers.map(\.port.number) == [2181, 2181])
        #expect(properties.sessionTimeout == 6000)
        #expect(properties.connectionTimeout == 18000)
    }

    @Test("what is left out has Kafka's default, or is nil")
    func defaults() throws {
        let properties = try ServerProperties(Array("zookeeper.connect=a:1,b:1\nbroker.id=-1\n".utf8))
        #expect(properties.brokerID == nil)
        #expect(properties.logDirs == ["/tmp/kafka-logs"])
        #expect(properties.sessionTimeout == nil)
        #expect(properties.connectionTimeout == nil)
    }

    @Test("a chroot after each server is refused, and said as Kafka reads it")
    func chroots() throws {
        let text = "broker.id=1\nzookeeper.connect=zk1:2181/k,zk2:2181/k\n"
        let error = #expect(throws: KafkaFileError.self) { _ = try ServerProperties(Array(text.utf8)) }
        #expect(
            try #require(error).description
                == "line 2: Kafka reads zookeeper.connect as the servers zk1:2181 and the one chroot '/k,zk2:2181/k'. "
                + "Write the chroot once, after the last server."
        )
        let plain = try ServerProperties(Array("zookeeper.connect=zk1:2181/".utf8))
        #expect(plain.zookeeperConnect.chroot.isEmpty)
    }

    @Test(
        "only the value changes, to the byte",
        arguments: [
            (
                "# c\r\nbroker.id=1\r\nzookeeper.connect=a:1,b:1/kafka\r\nx=y\r\n",
                "zookeeper.connect=a:1,b:1/kafka"
            ),
            ("zookeeper.connect = a:1,b:1/kafka", "a:1,b:1/kafka"),
            ("! z\n\n\tzookeeper.connect:\t a:1/kafka\nlog.dirs=/a,\\\n   /b\n", "a:1/kafka"),
            ("zookeeper.connect a:1/kafka\n\n\n", "a:1/kafka"),
            (
                "x=\\u00e9\nzookeeper.connect=a:1,\\\n   b:1,\\\n   c:1/kafka\nz=1\n",
                "a:1,\\\n   b:1,\\\n   c:1/kafka"
            ),
            ("zookeeper.connect=\\\n  a:1/kafka\nz=1", "\\\n  a:1/kafka"),
            ("zookeeper.connect=a:1/kafka\rz=1\r", "a:1/kafka"),
        ]
    )
    func rewrites(_ text: String, _ old: String) throws {
        let new = old.hasPrefix("zookeeper") ? "zookeeper.connect=" + Self.seeds : Self.seeds
        #expect(try Self.rewritten(text) == text.replacing(old, with: new))
    }

    @Test("of a repeated setting the one in force is changed")
    func repeated() throws {
        let text = "zookeeper.connect=a:1\nzookeeper.connect=b:1\n"
        #expect(try Self.rewritten(text) == "zookeeper.connect=a:1\nzookeeper.connect=\(Self.seeds)\n")
    }

    @Test("a setting that is repeated, or hidden behind a byte order mark, is remarked on with its line")
    func remarks() throws {
        let remarks = { (text: String) in try ServerProperties(Array(text.utf8)).remarks.map(\.description) }
        #expect(try remarks("broker.id=1\nzookeeper.connect=a:1\n").isEmpty)
        #expect(
            try remarks("x=1\nzookeeper.connect=a:1\nx=1\nzookeeper.c\\\nonnect=b:1\n") == [
                "line 3: 'x' stands here again, first on line 1: the last one counts",
                "line 4: 'zookeeper.connect' stands here again, first on line 2: the last one counts",
            ]
        )
        #expect(
            try remarks("\u{FEFF}broker.id=1\nzookeeper.connect=a:1\n") == [
                "line 1: a byte order mark is part of the first key for Kafka: the setting has no effect"
            ]
        )
        #expect(try remarks("\u{FEFF}# c\nzookeeper.connect=a:1\n").isEmpty)
    }

    @Test(
        "a key that is written with escapes or a continuation is written plainly",
        arguments: ["\\.", "\\\n."]
    )
    func oddKeys(_ dot: String) throws {
        let text = "a=1\nzookeeper\(dot)connect=a:1\nb=2\n"
        #expect(try Self.rewritten(text) == "a=1\nzookeeper.connect=\(Self.seeds)\nb=2\n")
    }

    @Test("a continuation between the key and its value does not swallow the value")
    func continuedSeparator() throws {
        #expect(try Self.rewritten("zookeeper.connect\\\n = a:1\n") == "zookeeper.connect=\(Self.seeds)\n")
    }

    @Test("the same value changes nothing")
    func unchanged() throws {
        let text = "zookeeper.connect =  \(Self.seeds)  \n"
        #expect(try Self.rewritten(text) == text)
    }

    @Test("bytes that are no UTF-8 stay as they are")
    func latin1() throws {
        let bytes: [UInt8] = Array("# ".utf8) + [0xe9, 10] + Array("zookeeper.connect=a:1\n".utf8)
        let wanted = try #require(ConnectString("b:1"))
        let content = try ServerProperties(bytes).replacingConnect(with: wanted).content
        #expect(content == bytes.dropLast(4) + Array("b:1\n".utf8))
    }

    @Test("a chroot that would not read back the same is refused")
    func backslash() throws {
        #expect(throws: KafkaFileError.self) { try Self.rewritten("zookeeper.connect=a:1\n", to: "b:1/a\\b") }
    }

    @Test(
        "what Kafka would refuse, or what has no ZooKeeper, is refused by name",
        arguments: [
            ("broker.id=1\n", "'zookeeper.connect' is missing"),
            ("zookeeper.connect=\n", "line 1: zookeeper.connect= is not a list of host:port"),
            ("zookeeper.connect=${file:/x:y}\n", "is not a list of host:port"),
            ("zookeeper.connect=a:1\nbroker.id=x\n", "line 2: broker.id=x is not a whole number from -1"),
            (
                "process.roles=broker\nzookeeper.connect=a:1\n",
                "line 1: 'process.roles' makes this a broker without"
            ),
            (
                "zookeeper.connect=a:1\nzookeeper.session.timeout.ms=6s\n",
                "line 2: zookeeper.session.timeout.ms=6s"
            ),
            ("zookeeper.connect=a:1\\", "ends in a backslash"),
        ]
    )
    func refused(_ text: String, _ said: String) {
        let error = #expect(throws: KafkaFileError.self) { _ = try ServerProperties(Array(text.utf8)) }
        #expect(error?.description.contains(said) == true, "\(error?.description ?? "")")
    }
}

@Suite("meta.properties")
struct KafkaMetaTests {
    @Test("names the cluster and the broker, in the forms of several versions")
    func reads() throws {
        let old = try KafkaMeta(Array("#Mon Nov 23\nversion=0\nbroker.id=3\n".utf8))
        #expect(old.clusterID == nil && old.brokerID == BrokerID(3))
        let new = try KafkaMeta(Array("#\nbroker.id=1\nversion=0\ncluster.id=q-3bX1XpQ9aBcDeF\n".utf8))
        #expect(new.clusterID == "q-3bX1XpQ9aBcDeF" && new.brokerID == BrokerID(1))
    }
}
