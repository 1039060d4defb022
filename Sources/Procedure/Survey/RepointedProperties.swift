package import Settings
package import Topology

/// What a broker's server.properties becomes: `zookeeper.connect` names the seeds, the chroot and all else is kept.
package struct RepointedProperties: Sendable {
    package let plan: MigrationPlan

    package init(plan: MigrationPlan) { self.plan = plan }

    package func content(of file: Survey.File) throws(KafkaFileError) -> [UInt8] {
        let properties = try ServerProperties(file.content)
        let seeds = plan.seeds.map { ConnectString.Server(host: $0.address, port: $0.clientPort) }
        guard let connect = properties.zookeeperConnect.replacingServers(seeds) else {
            throw .missing(key: ServerProperties.connectKey)
        }
        return try properties.replacingConnect(with: connect).content
    }
}
