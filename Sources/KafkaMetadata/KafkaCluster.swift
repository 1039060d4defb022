import Printable
package import Topology

/// A Kafka cluster as ZooKeeper has it at one look.
///
/// The look is not atomic: a node may be newer than another. Gates take several equal looks in a row.
package struct KafkaCluster: Hashable, Sendable {
    package struct Broker: Hashable, Sendable {
        package let id: BrokerID
        /// As the broker advertises it; nil when it has no listener that says so.
        package let host: String?
        /// Of its registration: a new one after every restart.
        package let czxid: Zxid
        package let session: SessionNumber?
    }

    package struct Controller: Hashable, Sendable {
        package let id: BrokerID
        package let session: SessionNumber?
    }

    package struct Partition: Hashable, Sendable {
        package let topic: String
        package let number: Int
        package let replicas: [BrokerID]
        /// Empty when the partition has no state yet.
        package let inSync: [BrokerID]

        package var name: String { "\(PrintableText(topic, limit: 250))-\(number)" }
    }

    package struct UnderReplicated: Hashable, Sendable, CustomStringConvertible {
        package let partition: String
        package let missing: [BrokerID]

        package var description: String {
            "\(partition) (without \(missing.map(\.description).joined(separator: ", ")))"
        }
    }

    /// Nil before Kafka 0.10.1.
    package let id: String?
    package let brokers: [BrokerID: Broker]
    package let controller: Controller?
    package let isLeavingZooKeeper: Bool
    package let partitions: [Partition]
    /// Partitions whose replicas are being changed, `topic-number`.
    package let reassignments: [String]

    package init(_ tree: KafkaTree) throws(KafkaTreeError) {
        brokers = try Self.brokers(tree)
        partitions = try Self.partitions(tree)
        reassignments = try Self.reassignments(tree)
        let controllerRecord: ControllerRecord?
        if let node = tree.nodes[KafkaTree.controller] {
            let record = try ControllerRecord.read(node, at: KafkaTree.controller)
            controllerRecord = record
            controller = BrokerID(record.brokerid).map { Controller(id: $0, session: node.ephemeralOwner) }
        } else {
            controllerRecord = nil
            controller = nil
        }
        isLeavingZooKeeper =
            (controllerRecord?.kraftControllerEpoch ?? -1) >= 0 || tree.nodes[KafkaTree.migration] != nil
        if let node = tree.nodes[KafkaTree.clusterID] {
            id =
                PrintableText(try ClusterRecord.read(node, at: KafkaTree.clusterID).id, limit: 100)
                .description
        } else {
            id = nil
        }
    }

    /// Assigned replicas that are not in sync, or whose broker is not registered.
    ///
    /// ZooKeeper keeps a stopped broker in the ISR until the controller has noticed.
    package var underReplicated: [UnderReplicated] {
        partitions.compactMap { partition in
            let missing = partition.replicas.filter {
                !partition.inSync.contains($0) || brokers[$0] == nil
            }
            return missing.isEmpty
                ? nil : UnderReplicated(partition: partition.name, missing: missing.sorted())
        }
    }

    private static func brokers(_ tree: KafkaTree) throws(KafkaTreeError) -> [BrokerID: Broker] {
        var brokers: [BrokerID: Broker] = [:]
        for (name, path, node) in tree.children(of: KafkaTree.brokers) {
            guard let id = BrokerID(name) else {
                throw .malformed(path: path, reason: "'\(name)' is no broker id")
            }
            let record = try BrokerRecord.read(node, at: path)
            brokers[id] = Broker(
                id: id,
                host: (record.host ?? record.endpoints?.first)
                    .map { PrintableText($0, limit: 300).description },
                czxid: node.czxid,
                session: node.ephemeralOwner
            )
        }
        return brokers
    }

    private static func partitions(_ tree: KafkaTree) throws(KafkaTreeError) -> [Partition] {
        var partitions: [Partition] = []
        for assignment in try tree.assignments() {
            var inSync: [BrokerID] = []
            if let node = tree.nodes[assignment.statePath] {
                let record = try StateRecord.read(node, at: assignment.statePath)
                inSync = try BrokerID.all(record.isr, at: assignment.statePath)
            }
            partitions.append(
                Partition(
                    topic: assignment.topic,
                    number: assignment.partition,
                    replicas: assignment.replicas,
                    inSync: inSync
                )
            )
        }
        return partitions
    }

    private static func reassignments(_ tree: KafkaTree) throws(KafkaTreeError) -> [String] {
        var names = Set(try tree.assignments().filter(\.isMoving).map { "\($0.topic)-\($0.partition)" })
        if let node = tree.nodes[KafkaTree.reassignment] {
            let record = try ReassignmentRecord.read(node, at: KafkaTree.reassignment)
            names.formUnion(record.partitions.map { "\($0.topic)-\($0.partition)" })
        }
        return names.map { PrintableText($0, limit: 300).description }.sorted()
    }
}
