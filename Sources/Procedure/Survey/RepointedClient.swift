package import Settings
package import Topology

/// What a client's file becomes: the place that says which ZooKeeper it uses names the destination, all else is kept.
package struct RepointedClient: Sendable {
    package let plan: MigrationPlan
    package let client: PlannedClient

    package init(plan: MigrationPlan, client: PlannedClient) {
        self.plan = plan
        self.client = client
    }

    /// With the seeds, which are all that serve before the division.
    package func content(of file: Survey.File) throws(ClientFileError) -> [UInt8] {
        try ClientFile(file.content, client.connect).replacingServers(plan.seedConnect)
    }

    /// With every server of the destination.
    package func completed(_ file: Survey.File) throws(ClientFileError) -> [UInt8] {
        try ClientFile(file.content, client.connect).replacingServers(plan.destinationConnect)
    }
}
