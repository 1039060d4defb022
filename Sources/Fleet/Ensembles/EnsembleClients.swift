package import KafkaMetadata
package import Logging
import Logs
import Settings
import Topology
import ZooKeeperClient

/// Reads ensembles over ZooKeeper sessions of its own; the one for Kafka's nodes is kept.
package struct EnsembleClients: EnsembleReading {
    private let reader: KafkaReader
    private let log: Logger

    package init(log: Logger) {
        self.log = log
        reader = KafkaReader(log: log)
        // Servers that a canary or a reader cannot reach are told by who asked; the library's own words help with the rest.
        ClientLog.send(to: { line in log.debug("ZooKeeper's client library", fields: ["said": line.text]) })
    }

    package func kafka(at source: KafkaSource) async throws(KafkaReadingError) -> KafkaCluster {
        let list = source.servers.map {
            ConnectString.Server(host: $0.address, port: $0.clientPort).description
        }
        guard let connect = ConnectString(list.joined(separator: ",") + source.chroot) else {
            throw KafkaReadingError(reason: "no server to ask")
        }
        return try await reader.read(through: connect)
    }

    package func findCanaries(_ question: CanaryQuestion) async -> CanaryAnswer {
        await CanaryCheck(question, log: log).answer()
    }

    /// Ends the session with ZooKeeper, if one was opened.
    package func close() async { await reader.close() }
}
