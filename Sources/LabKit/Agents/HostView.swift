/// The paths and names of a host's things as the programs on that host see them.
package struct HostView: Sendable {
    package let zooKeeperConfiguration: String
    package let zooKeeperData: String
    package let agentConfiguration: String
    package let tls: String
    package let agentState: String
    /// What the agent and the plan call ZooKeeper's service.
    package let service: String

    package init(_ files: HostLayout, mode: LabConfiguration.HostMode) {
        switch mode {
        case .processes:
            zooKeeperConfiguration = files.zooKeeperConfiguration
            zooKeeperData = files.data
            agentConfiguration = files.agentConfiguration
            tls = files.tls
            agentState = files.state
            service = "zookeeper"
        case .systemd:
            zooKeeperConfiguration = "/etc/zookeeper/conf/zoo.cfg"
            zooKeeperData = "/var/lib/zookeeper"
            agentConfiguration = "/etc/mitosis/agent.yaml"
            tls = "/etc/mitosis/tls"
            agentState = "/var/lib/mitosis"
            service = "zookeeper.service"
        }
    }
}

extension Lab {
    package func view(of host: LabHost) -> HostView {
        HostView(layout.host(host), mode: configuration.mode)
    }
}
