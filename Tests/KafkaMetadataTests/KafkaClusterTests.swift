import FoundationEssentials
import KafkaMetadata
import TestSupport
import Testing
import Topology

/// Nodes as three generations of Kafka wrote them.
enum RecordedTree {
    private static func tree(_ nodes: [String: String], owners: [String: Int64] = [:]) -> KafkaTree {
        var tree = KafkaTree()
        for (index, (path, json)) in nodes.sorted(by: { $0.key < $1.key }).enumerated() {
            tree.nodes[path] = Znode(
                data: Data(json.utf8),
                czxid: Zxid(UInt64(100 + index)),
                ephemeralOwner: owners[path].map { SessionNumber($0) }
            )
        }
        return tree
    }

    private static func state(_ leader: Int, _ isr: String) -> String {
        #"{"controller_epoch":7,"leader":\#(leader),"version":1,"leader_epoch":3,"isr":[\#(isr)]}"#
    }

    /// 0.8.1: registrations of version 1, no cluster id, partitions as text keys.
    static let old = tree(
        [
            "/brokers/ids/1":
                #"{"jmx_port":-1,"timestamp":"1700000000000","host":"198.51.100.31","version":1,"port":9092}"#,
            "/brokers/ids/2":
                #"{"jmx_port":-1,"timestamp":"1700000000001","host":"198.51.100.32","version":1,"port":9092}"#,
            "/brokers/topics/a": #"{"version":1,"partitions":{"1":[2,1],"0":[1,2],"10":[1]}}"#,
            "/brokers/topics/a/partitions/0/state": state(1, "1,2"),
            "/brokers/topics/a/partitions/1/state": state(2, "2"),
            "/brokers/topics/a/partitions/10/state": state(1, "1"),
            "/controller": #"{"version":1,"brokerid":2,"timestamp":"1700000000002"}"#,
        ],
        owners: [
            "/brokers/ids/1": 0x0100_018b_0000_0001, "/brokers/ids/2": 0x0400_018b_0000_0002,
            "/controller": 0x0400_018b_0000_0002,
        ]
    )

    /// 2.4 to 2.7: registrations of version 4 with listeners other than PLAINTEXT, topics of version 2.
    static let middle = tree([
        "/brokers/ids/1": """
        {"listener_security_protocol_map":{"SSL":"SSL"},"endpoints":["SSL://kafka1.example:9093"],"jmx_port":-1,\
        "host":null,"timestamp":"1700000000000","port":-1,"version":4}
        """,
        "/brokers/ids/2": """
        {"listener_security_protocol_map":{"PLAINTEXT":"PLAINTEXT"},"endpoints":["PLAINTEXT://kafka2.example:9092"],\
        "rack":"b","jmx_port":9999,"host":"kafka2.example","timestamp":"1700000000000","port":9092,"version":4}
        """,
        "/brokers/topics/t":
            #"{"version":2,"partitions":{"0":[1,2]},"adding_replicas":{},"removing_replicas":{}}"#,
        "/brokers/topics/t/partitions/0/state": state(1, "2,1"),
        "/cluster/id": #"{"version":"1","id":"9nSxhQ1nR8qO8Vn1Q0m2Ew"}"#,
        "/controller": #"{"version":1,"brokerid":1,"timestamp":"1700000000002"}"#,
    ])

    /// 2.8 to 3.x: registrations of version 5, topics of version 3 with their id; one partition is being moved.
    static let new = tree([
        "/brokers/ids/1": """
        {"features":{},"listener_security_protocol_map":{"PLAINTEXT":"PLAINTEXT"},\
        "endpoints":["PLAINTEXT://198.51.100.31:9092"],"jmx_port":-1,"port":9092,"host":"198.51.100.31","version":5,\
        "timestamp":"1700000000000"}
        """,
        "/brokers/topics/t": """
        {"removing_replicas":{"1":[1]},"partitions":{"0":[1],"1":[3,1]},"topic_id":"2vJmXz1wQ0mQm4k0bqzZ9A",\
        "adding_replicas":{"0":[],"1":[3]},"version":3}
        """,
        "/brokers/topics/t/partitions/0/state": state(1, "1"),
        "/brokers/topics/t/partitions/1/state": state(1, "1"),
        "/brokers/topics/t/partitions/1": "null",
        "/cluster/id": #"{"version":"1","id":"x"}"#,
        "/controller": #"{"version":2,"brokerid":1,"timestamp":"1700000000002","kraftControllerEpoch":-1}"#,
    ])
}

@Suite("Kafka's nodes in ZooKeeper")
struct KafkaClusterTests {
    private static func id(_ number: Int) throws -> BrokerID { try #require(BrokerID(number)) }

    @Test("0.8.1: brokers, sessions, controller and replicas are read")
    func old() throws {
        let cluster = try KafkaCluster(RecordedTree.old)
        #expect(cluster.id == nil)
        let (one, two) = (try Self.id(1), try Self.id(2))
        #expect(cluster.brokers.keys.sorted() == [one, two])
        #expect(cluster.brokers[one]?.host == "198.51.100.31")
        #expect(cluster.brokers[one]?.session?.origin == ServerID(1))
        #expect(cluster.brokers[two]?.session?.origin == ServerID(4))
        #expect(cluster.brokers[two]?.session?.description == "0x400018b00000002")
        #expect(cluster.controller?.id == two)
        #expect(cluster.controller?.session == cluster.brokers[two]?.session)
        #expect(cluster.partitions.map(\.name) == ["a-0", "a-1", "a-10"])
        #expect(cluster.underReplicated.map(\.description) == ["a-1 (without 1)"])
        #expect(cluster.reassignments.isEmpty)
    }

    @Test("2.x: a broker without a PLAINTEXT listener has its endpoint")
    func middle() throws {
        let cluster = try KafkaCluster(RecordedTree.middle)
        #expect(cluster.id == "9nSxhQ1nR8qO8Vn1Q0m2Ew")
        #expect(cluster.brokers[try Self.id(1)]?.host == "SSL://kafka1.example:9093")
        #expect(cluster.brokers[try Self.id(2)]?.host == "kafka2.example")
        #expect(cluster.underReplicated.isEmpty)
        #expect(cluster.reassignments.isEmpty)
    }

    @Test(
        "3.x: replicas being added or removed are a reassignment; an unregistered replica counts as missing"
    )
    func new() throws {
        let cluster = try KafkaCluster(RecordedTree.new)
        #expect(cluster.reassignments == ["t-1"])
        #expect(cluster.underReplicated.map(\.description) == ["t-1 (without 3)"])
        #expect(!cluster.isLeavingZooKeeper)
    }

    @Test("a broker that is not registered is missing although the ISR still has it")
    func stoppedBroker() throws {
        var tree = RecordedTree.middle
        tree.nodes["/brokers/ids/2"] = nil
        #expect(try KafkaCluster(tree).underReplicated.map(\.description) == ["t-0 (without 2)"])
    }

    @Test("a partition without a state yet lacks every replica")
    func noState() throws {
        var tree = RecordedTree.middle
        tree.nodes["/brokers/topics/t/partitions/0/state"] = nil
        #expect(try KafkaCluster(tree).underReplicated.map(\.missing.count) == [2])
    }

    @Test("reassignments of the older kind are seen, and an empty list is none")
    func reassignment() throws {
        var tree = RecordedTree.old
        func put(_ json: String) {
            tree.nodes["/admin/reassign_partitions"] = Znode(
                data: Data(json.utf8),
                czxid: Zxid(1),
                ephemeralOwner: nil
            )
        }
        put(#"{"version":1,"partitions":[{"topic":"a","partition":10,"replicas":[2]}]}"#)
        #expect(try KafkaCluster(tree).reassignments == ["a-10"])
        put(#"{"version":1,"partitions":[]}"#)
        #expect(try KafkaCluster(tree).reassignments.isEmpty)
    }

    @Test("a cluster on its way to KRaft is recognised")
    func kraft() throws {
        var tree = RecordedTree.new
        tree.nodes["/controller"] = Znode(
            data: Data(#"{"version":2,"brokerid":3000,"kraftControllerEpoch":4}"#.utf8),
            czxid: Zxid(1),
            ephemeralOwner: nil
        )
        #expect(try KafkaCluster(tree).isLeavingZooKeeper)
        // The node is there before the first broker says so.
        var begun = RecordedTree.new
        #expect(try !KafkaCluster(begun).isLeavingZooKeeper)
        begun.nodes["/migration"] = Znode(data: Data("{}".utf8), czxid: Zxid(1), ephemeralOwner: nil)
        #expect(try KafkaCluster(begun).isLeavingZooKeeper)
        #expect(KafkaTree.fixedPaths.contains("/migration"))
    }

    @Test(
        "what is not Kafka's is refused with its path",
        arguments: [
            ("/brokers/ids/x", "{}"), ("/brokers/ids/1", "hello"), ("/brokers/topics/t", "{}"),
            ("/brokers/topics/t", #"{"partitions":{"0":[-1]}}"#),
            ("/brokers/topics/t", #"{"partitions":{"a":[1]}}"#),
            ("/controller", ""),
        ]
    )
    func malformed(_ path: String, _ json: String) {
        var tree = RecordedTree.old
        tree.nodes[path] = Znode(data: Data(json.utf8), czxid: Zxid(1), ephemeralOwner: nil)
        let error = #expect(throws: KafkaTreeError.self) { _ = try KafkaCluster(tree) }
        #expect(error?.description.hasPrefix(path + " is not as any known version") == true)
    }

    @Test("the partition states to read follow from the topics")
    func states() throws {
        #expect(
            try RecordedTree.old.partitionStates() == [
                "/brokers/topics/a/partitions/0/state", "/brokers/topics/a/partitions/1/state",
                "/brokers/topics/a/partitions/10/state",
            ]
        )
    }

    @Test("the server a session was opened at is its highest byte, up to 255")
    func origins() {
        #expect(SessionNumber(Int64(bitPattern: 0xff00_0000_0000_0001)).origin == ServerID(255))
        #expect(SessionNumber(1).origin == nil)
    }

    @Test("what somebody wrote into ZooKeeper is told as text", arguments: HostileText.pieces.indices)
    func hostile(index: Int) throws {
        let piece = HostileText.pieces[index]
        let encoded = String(decoding: try JSONEncoder().encode(piece), as: UTF8.self)
        var tree = KafkaTree()
        let put = { (path: String, json: String) in
            tree.nodes[path] = Znode(data: Data(json.utf8), czxid: Zxid(1), ephemeralOwner: nil)
        }
        put("/brokers/ids/1", #"{"host":\#(encoded),"version":1,"port":9092}"#)
        put("/brokers/topics/a\(piece)", #"{"version":1,"partitions":{"0":[1,2]}}"#)
        put("/cluster/id", #"{"version":"1","id":\#(encoded)}"#)
        put("/admin/reassign_partitions", #"{"partitions":[{"topic":\#(encoded),"partition":0}]}"#)
        let cluster = try KafkaCluster(tree)
        var texts =
            [cluster.id, cluster.brokers.values.first?.host].compactMap(\.self) + cluster.reassignments
        texts += cluster.underReplicated.map(\.description)
        put("/brokers/ids/2", piece)
        let error = #expect(throws: KafkaTreeError.self) { _ = try KafkaCluster(tree) }
        texts.append(try #require(error).description)
        #expect(texts.count == 5)
        for text in texts {
            #expect(HostileText.offences(in: text).isEmpty && !text.contains("\n"), "\(text)")
        }
    }
}
