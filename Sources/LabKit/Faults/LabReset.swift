internal import FoundationEssentials

extension Lab {
    /// Brings the lab back to where `up` left it, for another round: the destination empty and stopped, the source
    /// empty and running with its own files, no rule anywhere.
    ///
    /// Agents and certificates stay. Kafka's brokers are not reset: a lab with brokers is refused.
    package func reset() async throws {
        guard configuration.brokers == 0, configuration.mode == .processes, configuration.filling == .none
        else {
            throw LabError.invalid(
                reason: "only a lab of plain processes without brokers and filling can be reset"
            )
        }
        try await Workload(self).end()
        for host in configuration.zooKeeperHosts {
            try faults(of: host).heal()
            try await QuorumLag(self).end(on: host)
        }
        for host in configuration.destinationHosts { try await kill(host) }
        // Through the agents: what was removed behind their backs they would put back.
        let cleaning = try await run(
            [binaries.coordinator, "rules", "clean", layout.plan, "--force"],
            on: configuration.control
        )
        guard cleaning.succeeded else {
            throw LabError.failed(step: "removing the rules", diagnostics: cleaning.diagnostics)
        }
        let before = try sourceFiles()
        for host in configuration.zooKeeperHosts {
            let view = view(of: host)
            let side = configuration.hosts(of: host.side)
            let text = ZooKeeperServer.configuration(
                of: host,
                in: side,
                data: view.zooKeeperData,
                sessions: configuration.filling.sessions,
                settings: configuration.shape?.settings[host.name]
            )
            if before[host.name] != text {
                try Folder.write(text, to: layout.host(host).zooKeeperConfiguration)
            }
        }
        for host in configuration.destinationHosts { try clear(host) }
        // Its data, too: the clients' nodes of the round before are in it.
        for host in configuration.sourceHosts {
            try await kill(host)
            try clear(host)
        }
        for host in configuration.sourceHosts { try await startZooKeeper(on: host) }
        try await waitUntilServing(.source, seconds: 60)
        for path in [layout.journal, layout.journal + "-wal", layout.journal + "-shm", layout.events] {
            try Folder.remove(path)
        }
        try Folder.write(PlanFile.text(for: self), to: layout.plan)
    }

    /// Ends a host's ZooKeeper at once.
    package func kill(_ host: LabHost) async throws(LabError) {
        let record = layout.host(host).zooKeeperRecord
        guard let process = try RecordFile.read(ProcessRecord.self, at: record) else { return }
        process.signal(9)
        _ = await process.isGone(within: .seconds(10))
    }

    /// Whether the process of a host's ZooKeeper that was started last is still there.
    package func zooKeeperRuns(on host: LabHost) throws(LabError) -> Bool {
        try RecordFile.read(ProcessRecord.self, at: layout.host(host).zooKeeperRecord)?.isRunning == true
    }

    /// Ends a host's ZooKeeper, takes its data away, starts it again.
    package func startAnew(_ host: LabHost) async throws(LabError) {
        try await kill(host)
        try clear(host)
        try await startZooKeeper(on: host)
    }

    /// Everything but `myid`.
    private func clear(_ host: LabHost) throws(LabError) {
        let data = layout.host(host).data
        for entry in try Folder.entries(data) where entry != "myid" { try Folder.remove(data + "/" + entry) }
    }

    private func sourceFiles() throws(LabError) -> [String: String] {
        var files: [String: String] = [:]
        for host in configuration.zooKeeperHosts {
            files[host.name] = try Folder.read(layout.host(host).zooKeeperConfiguration)
        }
        return files
    }
}
