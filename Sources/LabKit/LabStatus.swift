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
                let files = layout.host(host)
                words.append("zookeeper \(try Self.pid(files.zooKeeperRecord))")
                words.append("agent \(try Self.pid(files.agentRecord))")
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

    private static func pid(_ record: String) throws(LabError) -> String {
        guard let process = try RecordFile.read(ProcessRecord.self, at: record), process.isRunning else {
            return "-"
        }
        return String(process.pid)
    }
}
