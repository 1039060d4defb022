/// The text of a host's `agent.yaml`.
package enum AgentFile {
    package static let port = 9760

    package static func text(for host: LabHost, in lab: Lab) throws(LabError) -> String {
        let view = lab.view(of: host)
        return """
            host: \(host.name)
            listen: {address: "0.0.0.0", port: \(port)}
            tls:
              certificate: \(quoted(view.tls + "/agent.pem"))
              key: \(quoted(view.tls + "/agent.key"))
              authority: \(quoted(view.tls + "/ca.pem"))
              revoked: \(quoted(view.tls + "/ca.crl"))
              trust_domain: mitosis
            state: \(quoted(view.agentState))
            firewall:
              backend: nftables
              protected_ports: [22]
              peers: [198.51.100.0/24, "2001:db8::/64"]
            files: [\(files(of: host, in: lab).map(quoted).joined(separator: ", "))]
            services:
            \(services(of: host, in: lab))
            \(try zooKeeper(of: host, view, in: lab))
            """
    }

    /// A broker's meta.properties is compared with `/cluster/id`; 0.8.1 has neither.
    private static func files(of host: LabHost, in lab: Lab) -> [String] {
        let view = lab.view(of: host)
        switch host.program {
        case .zooKeeper: return [view.zooKeeperConfiguration]
        case .kafka: return [view.kafkaConfiguration, view.kafkaData + "/meta.properties"]
        case .application:
            let file = lab.configuration.application(on: host)?.fileName
            return file.map { ["\(view.applicationFolder)/\($0)"] } ?? []
        }
    }

    private static func zooKeeper(of host: LabHost, _ view: HostView, in lab: Lab) throws(LabError) -> String
    {
        guard host.program == .zooKeeper else { return "" }
        return """
            zookeeper:
              service: \(view.service)
              config: \(quoted(view.zooKeeperConfiguration))
            \(try java(of: host, in: lab))
            """
    }

    /// Without systemd nothing shows with what a server that does not run would be started.
    private static func java(of host: LabHost, in lab: Lab) throws(LabError) -> String {
        guard lab.configuration.mode == .processes else { return "" }
        let classPath = try lab.distribution(of: host).classPath.joined(separator: ":")
        return "  java: [\(quoted(ZooKeeperServer.java)), \(quoted(classPath))]\n"
    }

    private static func services(of host: LabHost, in lab: Lab) -> String {
        let service = lab.view(of: host).service
        switch lab.configuration.mode {
        case .systemd:
            return """
                  manager: systemd
                  allow: [\(service)]
                """
        case .processes:
            let commands = ["start", "stop", "status"].map { verb in
                let directory = lab.layout.host(host).root
                let argv = [lab.binaries.lab, "service", verb, "--host-directory", directory]
                return "      \(verb): [\(argv.map(quoted).joined(separator: ", "))]"
            }
            return """
                  manager: command
                  commands:
                    \(service):
                \(commands.joined(separator: "\n"))
                """
        }
    }

    /// A YAML string in double quotes.
    static func quoted(_ text: String) -> String {
        "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }
}
