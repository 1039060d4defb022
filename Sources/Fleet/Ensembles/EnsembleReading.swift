package import KafkaMetadata

/// What an ensemble shows to ZooKeeper's own clients; no agent has a part in it.
package protocol EnsembleReading: Sendable {
    /// What ZooKeeper has of the Kafka cluster there.
    func kafka(at source: KafkaSource) async throws(KafkaReadingError) -> KafkaCluster
    /// Writes a canary through each side and looks for all of them on every server; nothing of it stays.
    func findCanaries(_ question: CanaryQuestion) async -> CanaryAnswer
    /// Looks for ephemeral nodes in the trees of a question; nothing is written.
    func census(_ question: CensusQuestion) async -> EnsembleCensus
    /// Tries or reads every server in question; nothing of it stays. It may take long.
    ///
    /// - Parameter progress: told how far it is, about once a second; it is given up when this answers false.
    func prove(_ question: ProofQuestion, progress: @escaping @Sendable (String) -> Bool) async -> ProofAnswer
}
