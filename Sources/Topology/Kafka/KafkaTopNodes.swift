/// Kafka's nodes at the top of its chroot, in all versions that keep anything in ZooKeeper.
package enum KafkaTopNodes {
    /// One that every Kafka has.
    package static let brokers = "/brokers"

    package static let paths = [
        "/admin", brokers, "/cluster", "/config", "/consumers", "/controller", "/controller_epoch",
        "/delegation_token", "/feature", "/isr_change_notification", "/kafka-acl", "/kafka-acl-changes",
        "/kafka-acl-extended", "/kafka-acl-extended-changes", "/latest_producer_id_block",
        "/log_dir_event_notification", "/migration",
    ]
}
