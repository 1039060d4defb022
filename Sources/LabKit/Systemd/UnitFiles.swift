/// The units of a lab host.
package enum UnitFiles {
    /// The agent's unit; what a lab adds to it lies in the folder of its drop-ins.
    package static let agent = "mitosis-agent.service"
    package static let dropIns = agent + ".d"
    /// What undoes a division without the agent, and what starts it.
    package static let lapses = ["mitosis-lapse.path", "mitosis-lapse.service"]
    static let lapseDropIns = "mitosis-lapse.service.d"

    /// By file name.
    ///
    /// - Parameters:
    ///   - agent: its command line; nil for none.
    ///   - shipped: the texts of the agent's units as they are shipped, by name.
    package static func texts(
        agent: [String]?,
        shipped: [String: String],
        program: HostProgram,
        logs: String,
        sshd: Bool = false
    ) -> [String: String] {
        var units = [
            "lab.target": """
            [Unit]
            Description=Everything a lab host runs
            Requires=basic.target
            After=basic.target
            Wants=\(agent == nil ? "" : "\(Self.agent) \(lapses[0])") \(sshd ? SecureShell.unit : "")
            AllowIsolate=yes

            """,
            program.name.rawValue + ".service": """
            [Unit]
            Description=\(description(program.name))
            After=network.target

            [Service]
            ExecStart=\(line(program.command))
            # What a JVM exits with on SIGTERM.
            SuccessExitStatus=143
            StandardOutput=append:\(logs)/\(program.name.rawValue).log
            StandardError=inherit

            [Install]
            WantedBy=lab.target

            """,
        ]
        if sshd { units[SecureShell.unit] = SecureShell.unitText }
        if let agent {
            units.merge(shipped) { _, new in new }
            units[lapseDropIns + "/lab.conf"] = """
                [Service]
                ExecStart=
                ExecStart=\(line([agent[0], "--lapse-watch"]))
                StandardOutput=append:\(logs)/lapse.log
                StandardError=inherit

                """
            units[dropIns + "/lab.conf"] = """
                [Unit]
                ConditionPathExists=

                [Service]
                ExecStartPre=
                ExecStartPre=\(line(agent + ["--check"]))
                ExecStart=
                ExecStart=\(line(agent))
                StandardOutput=append:\(logs)/agent.log
                StandardError=inherit

                """
        }
        return units
    }

    private static func description(_ program: HostProgram.Name) -> String {
        switch program {
        case .zooKeeper: "ZooKeeper"
        case .kafka: "Kafka"
        case .application: "A client of ZooKeeper"
        }
    }

    private static func line(_ argv: [String]) -> String {
        argv.map { "\"" + $0.replacing("%", with: "%%").replacing("$", with: "$$") + "\"" }.joined(
            separator: " "
        )
    }
}
