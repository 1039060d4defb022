internal import FoundationEssentials
internal import SystemCalls

extension Lab {
    /// Certificates, settings and the plan.
    func prepareAgents() async throws {
        for (program, path) in [("mitosis-agent", binaries.agent), ("mitosis", binaries.coordinator)]
        where !FileManager.default.isExecutableFile(atPath: path) {
            throw LabError.missing(program: program, remedy: "build it (swift build), or use --no-agents")
        }
        report(
            "agents: issuing certificates for one per \(configuration.brokers > 0 ? "ZooKeeper and broker" : "ZooKeeper") host"
        )
        try await issueCertificates()
        for host in configuration.servingHosts {
            try Folder.write(
                try AgentFile.text(for: host, in: self),
                to: layout.host(host).agentConfiguration
            )
        }
        try Folder.write(PlanFile.text(for: self), to: layout.plan)
    }

    /// Starts the agents, or waits for those that systemd starts.
    func startAgents() async throws {
        switch configuration.mode {
        case .processes: for host in configuration.servingHosts { try await startAgent(on: host) }
        case .systemd: try await narrowAgents()
        }
        for host in configuration.servingHosts { try await waitForAgent(on: host, seconds: 60) }
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
            if configuration.mode == .processes, try !isRunning(files.agentRecord) {
                throw LabError.failed(
                    step: "the agent of \(host.name)",
                    diagnostics: "it ended: \(said(files.agentLog))"
                )
            }
            guard ContinuousClock.now < deadline else {
                throw LabError.late(
                    what: "the agent of \(host.name) listening on port \(AgentFile.port)",
                    seconds: seconds,
                    seen: said(files.agentLog)
                )
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    private func isRunning(_ record: String) throws(LabError) -> Bool {
        try RecordFile.read(ProcessRecord.self, at: record)?.isRunning ?? false
    }

    /// The end of a log, or why there is none.
    func said(_ log: String) -> String {
        do { return String(try Folder.read(log).suffix(2000)) } catch { return error.description }
    }

    /// Whether any socket of the host listens on `port`, in either family.
    func isListening(_ port: Int, on host: LabHost) async throws(LabError) -> Bool {
        for process in try await inhabitants(of: namespace(of: host)) {
            let sockets = TCPTable.read(in: "/proc/\(process.pid)/net") ?? []
            return sockets.contains { $0.state == .listening && $0.local.port == port }
        }
        return false
    }
}
