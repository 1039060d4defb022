/// The paths and names of a host's things as the programs on that host see them.
package struct HostView: Sendable {
    package let zooKeeperConfiguration: String
    package let zooKeeperData: String
    package let kafkaConfiguration: String
    package let kafkaLogging: String
    package let kafkaData: String
    package let applicationFolder: String
    package let agentConfiguration: String
    package let tls: String
    package let agentState: String
    /// What the agent and the plan call the service of the host's server.
    package let service: String

    package init(_ files: HostLayout, mode: LabConfiguration.HostMode, program: HostProgram.Name) {
        switch mode {
        case .processes:
            zooKeeperConfiguration = files.zooKeeperConfiguration
            zooKeeperData = files.data
            kafkaConfiguration = files.kafkaConfiguration
            kafkaLogging = files.kafkaLogging
            kafkaData = files.data
            applicationFolder = files.root + "/etc/app"
            agentConfiguration = files.agentConfiguration
            tls = files.tls
            agentState = files.state
            service = program.rawValue
        case .systemd:
            zooKeeperConfiguration = "/etc/zookeeper/conf/zoo.cfg"
            zooKeeperData = "/var/lib/zookeeper"
            kafkaConfiguration = "/etc/kafka/server.properties"
            kafkaLogging = "/etc/kafka/log4j.properties"
            kafkaData = "/var/lib/kafka"
            applicationFolder = "/etc/app"
            agentConfiguration = "/etc/mitosis/agent.yaml"
            tls = "/etc/mitosis/tls"
            agentState = "/var/lib/mitosis"
            service = program.rawValue + ".service"
        }
    }
}

extension Lab {
    package func view(of host: LabHost) -> HostView {
        HostView(layout.host(host), mode: configuration.mode, program: host.program)
    }
}
