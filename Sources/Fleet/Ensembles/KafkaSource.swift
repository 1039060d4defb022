package import Settings

/// Where to read Kafka's nodes: any of these servers, below the chroot.
package struct KafkaSource: Hashable, Sendable {
    package let servers: [PlannedServer]
    /// With its leading slash; empty when there is none.
    package let chroot: String

    package init(servers: [PlannedServer], chroot: String) {
        self.servers = servers
        self.chroot = chroot
    }
}
