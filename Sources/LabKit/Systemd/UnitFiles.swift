/// The units of a lab host.
package enum UnitFiles {
    /// By file name; `wants` says which of them the machine's target pulls in.
    package static func texts(agent: [String]?, program: HostProgram, logs: String) -> [String: String] {
        var units = [
            "lab.target": """
            [Unit]
            Description=Everything a lab host runs
            Requires=basic.target
            After=basic.target
            Wants=\(agent == nil ? "" : "mitosis-agent.service")
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

            """,
        ]
        if let agent {
            units["mitosis-agent.service"] = """
                [Unit]
                Description=Mitosis agent
                After=network.target

                [Service]
                ExecStart=\(line(agent))
                Restart=on-failure
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
        }
    }

    private static func line(_ argv: [String]) -> String {
        argv.map { "\"" + $0.replacing("%", with: "%%").replacing("$", with: "$$") + "\"" }.joined(
            separator: " "
        )
    }
}
