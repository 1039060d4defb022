package import Settings
package import Topology

/// What a broker's server.properties becomes: `zookeeper.connect` names the seeds, the chroot and all else is kept.
package struct RepointedProperties: Sendable {
    package let plan: MigrationPlan

    package init(plan: MigrationPlan) { self.plan = plan }

    package func content(of file: Survey.File) throws(KafkaFileError) -> [UInt8] {
        try content(of: file, with: plan.seedConnect)
    }

    /// With every server of the destination.
    package func completed(_ file: Survey.File) throws(KafkaFileError) -> [UInt8] {
        try content(of: file, with: plan.destinationConnect)
    }

    private func content(
        of file: Survey.File,
        with servers: [ConnectString.Server]
    ) throws(KafkaFileError) -> [UInt8] {
        let properties = try ServerProperties(file.content)
        guard let connect = properties.zookeeperConnect.replacingServers(servers) else {
            throw .missing(key: ServerProperties.connectKey)
        }
        return try properties.replacingConnect(with: connect).content
    }
}
