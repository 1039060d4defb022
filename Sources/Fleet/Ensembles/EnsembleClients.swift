package import KafkaMetadata
package import Logging
import Logs
import Settings
import Topology
package import ZooKeeperClient

/// Reads ensembles over ZooKeeper sessions of its own; the one for Kafka's nodes is kept.
package struct EnsembleClients: Sendable {
    private let reader: KafkaReader
    private let credentials: [Credentials]
    private let log: Logger

    /// - Parameter credentials: what every session authenticates with.
    package init(credentials: [Credentials], log: Logger) {
        self.credentials = credentials
        self.log = log
        reader = KafkaReader(credentials: credentials, log: log)
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
        await CanaryCheck(question, credentials: credentials, log: log).answer()
    }

    package func census(_ question: CensusQuestion) async -> EnsembleCensus {
        await CensusReading(question, credentials: credentials, log: log).answer()
    }

    /// Ends the session with ZooKeeper, if one was opened.
    package func close() async { await reader.close() }
}
