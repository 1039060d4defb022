extension Lab {
    /// A line per host: its namespace, addresses, processes and role.
    package func statusLines() async throws(LabError) -> [String] {
        let there = Set(try await leftNamespaces())
        var roles: [String: ServerStatus] = [:]
        if there.contains(namespace(of: configuration.client)) {
            for side in [LabHost.Side.source, .destination] {
                for status in try await ensemble(side) { roles[status.server] = status }
            }
        }
        var lines = [
            "lab \(configuration.name) in \(configuration.directory), hosts as \(configuration.mode.rawValue)"
        ]
        for host in configuration.hosts {
            let namespace = namespace(of: host)
            var words = [
                Self.padded(host.name, 8), Self.padded(there.contains(namespace) ? namespace : "(down)", 24),
                Self.padded(host.ipv4, 16), Self.padded(host.ipv6, 18),
            ]
            if let id = host.id {
                words.append("id \(id)")
                words.append(try await processes(of: host))
                words.append(Self.role(roles[host.clientAddress]))
            }
            lines.append(words.joined(separator: " "))
        }
        return lines
    }

    static func role(_ status: ServerStatus?) -> String {
        guard let status, let mode = status.mode else { return "not serving" }
        return "\(mode), \(status.nodes ?? 0) nodes, zxid \(status.zxid ?? "unknown")"
    }

    static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    private func processes(of host: LabHost) async throws(LabError) -> String {
        let files = layout.host(host)
        switch configuration.mode {
        case .processes:
            let zooKeeper = try Self.pid(files.zooKeeperRecord)
            return "zookeeper \(zooKeeper) agent \(try Self.pid(files.agentRecord))"
        case .systemd:
            let systemd = try await firstProcess(of: host)?.pid
            let zooKeeper = try await mainProcess(of: "zookeeper.service", on: host)
            let agent = try await mainProcess(of: "mitosis-agent.service", on: host)
            return
                "systemd \(systemd.map(String.init) ?? "-") with zookeeper \(zooKeeper.map(String.init) ?? "-") "
                + "agent \(agent.map(String.init) ?? "-")"
        }
    }

    private static func pid(_ record: String) throws(LabError) -> String {
        guard let process = try RecordFile.read(ProcessRecord.self, at: record), process.isRunning else {
            return "-"
        }
        return String(process.pid)
    }
}
