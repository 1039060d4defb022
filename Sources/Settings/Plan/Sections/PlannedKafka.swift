package import ControlProtocol
package import Topology

/// The Kafka cluster that moves with the ensemble, as the plan file describes it.
package struct PlannedKafka: Hashable, Sendable {
    /// As in every broker's `zookeeper.connect`: with its leading slash, empty when there is none.
    package let chroot: String
    /// In the order of the file; every broker of the cluster.
    package let brokers: [PlannedBroker]
    /// How many reads of ZooKeeper in a row must be clean.
    package let reads: Int
    /// Between two of these reads.
    package let interval: Duration
    /// For the cluster to be healthy again after each restart.
    package let deadline: Duration
    package let line: Int

    package func broker(_ id: BrokerID) -> PlannedBroker? { brokers.first { $0.id == id } }
}

package struct PlannedBroker: Hashable, Sendable {
    package let id: BrokerID
    /// Its agent's certificate carries this name.
    package let host: HostName
    /// Where clients find the host; the agent too, unless told otherwise.
    package let address: String
    package let agent: PlannedAgent
    package let service: String
    package let configPath: String
    /// Where it stands in the plan file.
    package let line: Int

    /// For instance `broker 2 (k2)`.
    package var name: String { "broker \(id) (\(host))" }
}

/// Where the coordinator reaches a host's agent.
package struct PlannedAgent: Hashable, Sendable {
    package let host: HostName
    package let address: String
    package let port: Port
    package let line: Int
}
