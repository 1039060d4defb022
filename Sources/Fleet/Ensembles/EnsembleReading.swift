package import KafkaMetadata

/// What an ensemble shows to ZooKeeper's own clients; no agent has a part in it.
package protocol EnsembleReading: Sendable {
    /// What ZooKeeper has of the Kafka cluster there.
    func kafka(at source: KafkaSource) async throws(KafkaReadingError) -> KafkaCluster
    /// Writes a canary through each side and looks for all of them on every server; nothing of it stays.
    func findCanaries(_ question: CanaryQuestion) async -> CanaryAnswer
}
