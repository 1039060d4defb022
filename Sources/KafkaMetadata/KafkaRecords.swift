import FoundationEssentials
import Printable

/// JSON as Kafka 0.8 to 3.x writes it into ZooKeeper; keys that a version lacks are nil, unknown ones ignored.
protocol KafkaRecord: Decodable {}

extension KafkaRecord {
    static func read(_ node: Znode, at path: String) throws(KafkaTreeError) -> Self {
        do {
            return try JSONDecoder().decode(Self.self, from: node.data)
        } catch {
            let text = String(decoding: node.data.prefix(200), as: UTF8.self)
            throw .malformed(path: path, reason: SecretValues.hidden(in: text))
        }
    }
}

/// `/brokers/ids/N`: version 1 has `host`; 4 and 5 have `endpoints`, and `host` only with a PLAINTEXT listener.
struct BrokerRecord: KafkaRecord {
    let host: String?
    let endpoints: [String]?
}

/// `/brokers/topics/T`: 1 has `partitions`; 2 adds the replicas under way; 3 adds the topic's id.
struct TopicRecord: KafkaRecord {
    let partitions: [String: [Int]]
    // The names are Kafka's.
    // swift-format-ignore: AlwaysUseLowerCamelCase
    let adding_replicas: [String: [Int]]?
    // swift-format-ignore: AlwaysUseLowerCamelCase
    let removing_replicas: [String: [Int]]?
}

/// `/brokers/topics/T/partitions/P/state`.
struct StateRecord: KafkaRecord {
    let isr: [Int]
    let leader: Int
}

/// `/controller`.
struct ControllerRecord: KafkaRecord {
    let brokerid: Int
    /// Of 3.4 and later: 0 or more while the cluster is on its way to KRaft.
    let kraftControllerEpoch: Int?
}

/// `/cluster/id`, since 0.10.1.
struct ClusterRecord: KafkaRecord {
    let id: String
}

/// `/admin/reassign_partitions`.
struct ReassignmentRecord: KafkaRecord {
    struct Partition: Decodable {
        let topic: String
        let partition: Int
    }

    let partitions: [Partition]
}
