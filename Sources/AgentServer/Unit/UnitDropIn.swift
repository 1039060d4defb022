import ControlProtocol
package import HostControl

/// What `mitosis-agent --print-drop-in` prints: the agent's unit, narrowed to what this host's configuration needs.
///
/// A service that the agent starts itself (`manager: command`) lives in the agent's unit and under all that is said of it:
/// nothing is narrowed there.
package struct UnitDropIn: Sendable {
    private let configuration: AgentConfiguration
    private let places: WorkPlaces

    package init(_ configuration: AgentConfiguration, places: WorkPlaces) {
        self.configuration = configuration
        self.places = places
    }

    package init(_ configuration: AgentConfiguration) {
        self.init(
            configuration,
            places: WorkPlaces(files: configuration.files, server: configuration.zookeeper?.config)
        )
    }

    /// Shipped as /etc/systemd/system/mitosis-agent.service.d/paths.conf.
    package var text: String {
        let head = """
            # By mitosis-agent --print-drop-in. Print it anew whenever agent.yaml, a dataDir, or a link on the way to either
            # changes; `mitosis preflight` (agent-reach) says when it is out of date.

            """
        switch configuration.services {
        case .command:
            return head + """
                # services.manager is "command": the services that the agent starts share its unit, so that nothing is narrowed.

                """
        case .systemd: return head + narrowing
        }
    }

    private var narrowing: String {
        """
        [Service]
        # Everything is read-only but where listed files are replaced, data is set aside, and the agent keeps its records.
        ProtectSystem=strict
        \(Self.writable(configuration, places))
        # iptables-legacy takes its lock there, with whoever else uses it. The packages' tmpfiles.d makes it at every boot;
        # this, where somebody has removed it since, or where the agent was installed without.
        ExecStartPre=+/usr/bin/touch /run/xtables.lock
        ReadWritePaths=-/run/xtables.lock
        MemoryDenyWriteExecute=yes
        SystemCallFilter=~@resources
        # The agent takes some 25 MiB, the programs that it runs (nft, iptables, systemctl) as much again for a moment.
        MemoryHigh=192M
        MemoryMax=384M
        TasksMax=256

        """
    }

    /// Lines of a unit for the state directory and those of `places`.
    static func writable(_ configuration: AgentConfiguration, _ places: WorkPlaces) -> String {
        Set([configuration.state] + places.directories).sorted()
            .map { "ReadWritePaths=\(quoted("-" + $0))" }.joined(separator: "\n")
    }

    /// As systemd reads one path of a list.
    private static func quoted(_ path: String) -> String {
        let escaped = path.replacing("%", with: "%%").replacing("\\", with: "\\\\").replacing(
            "\"",
            with: "\\\""
        )
        return escaped.utf8.allSatisfy { $0 > 0x20 && $0 != 0x22 && $0 != 0x27 && $0 != 0x5C && $0 != 0x3B }
            ? escaped : "\"\(escaped)\""
    }
}
