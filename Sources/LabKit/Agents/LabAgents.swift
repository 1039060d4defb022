internal import FoundationEssentials

extension Lab {
    /// Certificates, settings, one agent per ZooKeeper host, and the plan.
    func startAgents() async throws {
        for (program, path) in [("mitosis-agent", binaries.agent), ("mitosis", binaries.coordinator)]
        where !FileManager.default.isExecutableFile(atPath: path) {
            throw LabError.missing(program: program, remedy: "build it (swift build), or use --no-agents")
        }
        report("agents: issuing certificates, starting one per ZooKeeper host")
        try await issueCertificates()
        for host in configuration.zooKeeperHosts {
            try Folder.write(AgentFile.text(for: host, in: self), to: layout.host(host).agentConfiguration)
        }
        try Folder.write(PlanFile.text(for: self), to: layout.plan)
        for host in configuration.zooKeeperHosts { try await startAgent(on: host) }
        for host in configuration.zooKeeperHosts { try await waitForAgent(on: host, seconds: 20) }
    }

    package func startAgent(on host: LabHost) async throws(LabError) {
        let files = layout.host(host)
        try await launch(
            [binaries.agent, "--config", files.agentConfiguration],
            on: host,
            record: files.agentRecord,
            log: files.agentLog
        )
    }

    /// Returns when something listens on the agent's port, as the kernel says.
    package func waitForAgent(on host: LabHost, seconds: Int) async throws {
        let deadline = ContinuousClock.now + .seconds(seconds)
        let files = layout.host(host)
        while try await !isListening(AgentFile.port, on: host) {
            guard let agent = try RecordFile.read(ProcessRecord.self, at: files.agentRecord), agent.isRunning
            else {
                throw LabError.failed(
                    step: "the agent of \(host.name)",
                    diagnostics: "it ended: \(try Folder.read(files.agentLog).suffix(2000))"
                )
            }
            guard ContinuousClock.now < deadline else {
                throw LabError.late(
                    what: "the agent of \(host.name) listening on port \(AgentFile.port)",
                    seconds: seconds,
                    seen: String(try Folder.read(files.agentLog).suffix(2000))
                )
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// Whether any socket of the host listens on `port`, in either family.
    func isListening(_ port: Int, on host: LabHost) async throws(LabError) -> Bool {
        for process in try await inhabitants(of: namespace(of: host)) {
            let tables = ["tcp", "tcp6"].compactMap { ProcFile.read("/proc/\(process.pid)/net/\($0)") }
            // Columns: slot, local address:port in hexadecimal, remote, state; 0A is LISTEN.
            return tables.joined(separator: "\n").split(separator: "\n").contains { line in
                let fields = line.split(separator: " ")
                guard fields.count > 3, fields[3] == "0A" else { return false }
                return fields[1].split(separator: ":").last.flatMap { Int($0, radix: 16) } == port
            }
        }
        return false
    }
}
