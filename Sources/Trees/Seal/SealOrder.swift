/// In which order nodes are sealed: those first at which clients register or write, then parents before their children.
package struct SealOrder: Hashable, Sendable {
    /// Directories in which Kafka's brokers and tools make and change nodes.
    private static let registering = [
        "/brokers/ids", "/controller", "/controller_epoch", "/brokers", "/brokers/topics", "/brokers/seqid",
        "/admin", "/config", "/consumers", "/isr_change_notification", "/log_dir_event_notification",
        "/latest_producer_id_block", "/kafka-acl-changes", "/kafka-acl-extended-changes", "/cluster",
    ]
    /// Below these everything is written to by clients.
    private static let written = ["/admin/", "/config/", "/consumers/", "/brokers/ids/"]

    private let first: Set<String>
    private let second: [String]

    /// - Parameter kafka: the chroot of the Kafka cluster that moved, empty for none; nil without Kafka.
    package init(trees: [String], kafka: String?) {
        first = Set(trees + (kafka.map { chroot in Self.registering.map { chroot + $0 } } ?? []))
        second = kafka.map { chroot in Self.written.map { chroot + $0 } } ?? []
    }

    /// The lowest first.
    func rank(_ path: String) -> Int {
        if first.contains(path) { return 0 }
        if second.contains(where: { path.hasPrefix($0) }) { return 1 }
        return 1 + path.utf8.count { $0 == UInt8(ascii: "/") }
    }
}
