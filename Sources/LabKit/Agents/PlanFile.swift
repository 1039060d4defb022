/// The text of the lab's plan file, as an operator would write it.
package enum PlanFile {
    package static func text(for lab: Lab) -> String {
        """
        version: 1
        name: \(lab.configuration.shape?.plan ?? lab.configuration.name)
        strategy: \(lab.configuration.strategy.rawValue)

        pki:
          directory: ./pki
          coordinator: ops
          trust_domain: mitosis

        journal: ./control/journal.sqlite
        agent_port: \(AgentFile.port)

        source:
          servers:
        \(servers(lab.configuration.sourceHosts, in: lab))

        destination:
          servers:
        \(servers(lab.configuration.destinationHosts, in: lab))
        \(seeds(lab.configuration))
        firewall: {scope: \(lab.configuration.shape?.scope.rawValue ?? "quorum-ports")}

        # The source's writer stays there, and goes on.
        proofs: {except: [/lab-source]}

        """ + deadlines(lab.configuration) + kafka(lab) + Lab.clients(of: lab)
            + waivers(lab.configuration.waivers)
    }

    /// Chosen by the program, unless the lab stands for another set-up; observers are not chosen.
    private static func seeds(_ configuration: LabConfiguration) -> String {
        guard let shape = configuration.shape, configuration.strategy == .participants else { return "" }
        return "  seeds: [\(shape.seeds.map(String.init).joined(separator: ", "))]\n"
    }

    private static func deadlines(_ configuration: LabConfiguration) -> String {
        guard let deadlines = configuration.shape?.deadlines else { return "" }
        return """

            deadlines:
              join_seconds: \(deadlines.join)
              restart_seconds: \(deadlines.restart)
              division_seconds: \(deadlines.division)

            """
    }

    private static func waivers(_ waivers: [String: String]) -> String {
        guard !waivers.isEmpty else { return "" }
        let rows = waivers.sorted { $0.key < $1.key }.map { check, reason in
            "  - {check: \(check), reason: \(AgentFile.quoted(reason))}\n"
        }
        return "\nwaivers:\n" + rows.joined()
    }

    private static func kafka(_ lab: Lab) -> String {
        guard !lab.configuration.brokerHosts.isEmpty else { return "" }
        let chroot = lab.configuration.chroot
        let brokers = lab.configuration.brokerHosts.map { host in
            let view = lab.view(of: host)
            return """
                    - id: \(host.brokerID ?? 0)
                      host: \(host.name)
                      address: \(host.ipv4)
                      service: \(view.service)
                      config: \(AgentFile.quoted(view.kafkaConfiguration))
                """
        }
        return """

            kafka:
              \(chroot.isEmpty ? "# The nodes stand at the top." : "chroot: \(AgentFile.quoted(chroot))")
              brokers:
            \(brokers.joined(separator: "\n"))

            """
    }

    private static func servers(_ hosts: [LabHost], in lab: Lab) -> String {
        hosts.map { host in
            let view = lab.view(of: host)
            return """
                    - id: \(host.id ?? 0)
                      host: \(host.name)
                      address: \(host.ipv4)
                      addresses: ["\(host.ipv6)"]
                      service: \(view.service)
                      config: \(AgentFile.quoted(view.zooKeeperConfiguration))
                """
        }.joined(separator: "\n")
    }
}
