import FoundationEssentials
import Printable
import Topology

/// What was read below a Kafka cluster's chroot, by path from there; a node that is not there is left out.
///
/// Read it in three rounds: `fixedPaths` and the children of `parents`; these children; `partitionStates`.
package struct KafkaTree: Hashable, Sendable {
    package static let brokers = "/brokers/ids"
    package static let topics = "/brokers/topics"
    package static let parents = [brokers, topics]
    package static let fixedPaths = [controller, clusterID, reassignment, migration]

    static let controller = "/controller"
    static let clusterID = "/cluster/id"
    static let reassignment = "/admin/reassign_partitions"
    /// Made by the KRaft controllers that take a cluster over, before any broker says so.
    static let migration = "/migration"

    package var nodes: [String: Znode]

    package init(nodes: [String: Znode] = [:]) { self.nodes = nodes }

    /// The state node of every partition of the topics that were read.
    package func partitionStates() throws(KafkaTreeError) -> [String] {
        try assignments().map(\.statePath)
    }

    /// The last part of every path directly below `parent`, with its node.
    func children(of parent: String) -> [(name: String, path: String, node: Znode)] {
        nodes.compactMap { path, node in
            guard path.hasPrefix(parent + "/") else { return nil }
            let name = path.dropFirst(parent.count + 1)
            return name.contains("/") ? nil : (String(name), path, node)
        }
        .sorted { $0.name < $1.name }
    }

    struct Assignment {
        let topic: String
        let partition: Int
        let replicas: [BrokerID]
        let isMoving: Bool

        var statePath: String { "\(KafkaTree.topics)/\(topic)/partitions/\(partition)/state" }
    }

    func assignments() throws(KafkaTreeError) -> [Assignment] {
        var all: [Assignment] = []
        for (topic, path, node) in children(of: Self.topics) {
            let record = try TopicRecord.read(node, at: path)
            for (text, replicas) in record.partitions {
                guard let partition = Int(text) else {
                    throw .malformed(path: path, reason: "'\(text)' is no partition")
                }
                let changes = [record.adding_replicas?[text], record.removing_replicas?[text]]
                all.append(
                    Assignment(
                        topic: topic,
                        partition: partition,
                        replicas: try BrokerID.all(replicas, at: path),
                        isMoving: changes.contains { $0?.isEmpty == false }
                    )
                )
            }
        }
        return all.sorted { ($0.topic, $0.partition) < ($1.topic, $1.partition) }
    }
}

/// Why what was read makes no sense as a Kafka cluster.
package enum KafkaTreeError: Error, Hashable, Sendable, CustomStringConvertible {
    case malformed(path: String, reason: String)

    package var description: String {
        switch self {
        case .malformed(let path, let reason):
            "\(PrintableText(path, limit: 300)) is not as any known version of Kafka writes it "
                + "(\(PrintableText(reason, limit: 300))); see that the chroot is Kafka's"
        }
    }
}

extension BrokerID {
    static func all(_ numbers: [Int], at path: String) throws(KafkaTreeError) -> [BrokerID] {
        var ids: [BrokerID] = []
        for number in numbers {
            guard let id = BrokerID(number) else {
                throw .malformed(path: path, reason: "\(number) is no broker id")
            }
            ids.append(id)
        }
        return ids
    }
}
