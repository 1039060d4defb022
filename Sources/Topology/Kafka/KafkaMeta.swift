/// A log directory's meta.properties: which cluster and which broker it belongs to.
package struct KafkaMeta: Hashable, Sendable {
    /// Nil before Kafka 0.10.1.
    package let clusterID: String?
    package let brokerID: BrokerID?

    package init(_ content: some Collection<UInt8>) throws(KafkaFileError) {
        let settings = KafkaSettings(try KafkaSettings.text(content))
        clusterID = settings["cluster.id"].flatMap { $0.value.isEmpty ? nil : $0.value }
        brokerID = try settings.number("broker.id", atLeast: 0).flatMap { BrokerID($0) }
    }
}
