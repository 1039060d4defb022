import Tables

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
        let kafka = try await kafkaState(
            where: roles.filter { $0.value.mode != nil }.map(\.key)
        )
        var lines = [
            "lab \(configuration.name) in \(configuration.directory), hosts as \(configuration.mode.rawValue)"
        ]
        let table = Table([.fixed(8), .fixed(24), .fixed(16), .fixed(18)], gap: 1)
        for host in configuration.hosts {
            let namespace = namespace(of: host)
            var words = [
                host.name, there.contains(namespace) ? namespace : "(down)", host.ipv4, host.ipv6,
            ]
            if let id = host.id {
                words.append("id \(id)")
                words.append(try await processes(of: host))
                words.append(Self.role(roles[host.clientAddress]))
            }
            if let id = host.brokerID {
                words.append("id \(id)")
                words.append(try await processes(of: host))
                words.append(Self.role(of: id, in: kafka))
            }
            lines.append(table.line(words))
        }
        if let kafka {
            let bad = kafka.underReplicated.count
            lines.append("kafka: \(kafka.partitions.count) partitions, \(bad) of them under-replicated")
        }
        return lines
    }

    static func role(_ status: ServerStatus?) -> String {
        guard let status, let mode = status.mode else { return "not serving" }
        return "\(mode), \(status.nodes ?? 0) nodes, zxid \(status.zxid ?? "unknown")"
    }

    private static func role(of broker: Int, in kafka: KafkaState?) -> String {
        guard let kafka, kafka.brokers.contains(where: { $0.id == broker }) else { return "not registered" }
        let leading = kafka.partitions.filter { $0.leader == broker }.count
        return (kafka.controller == broker ? "controller, " : "") + "leads \(leading) partitions"
    }

    /// The brokers' nodes, on the side that they are configured for; nil when that does not serve.
    private func kafkaState(where serving: [String]) async throws(LabError) -> KafkaState? {
        guard configuration.brokers > 0 else { return nil }
        let side = try brokerSide()
        let isServing = configuration.hosts(of: side).contains { serving.contains($0.clientAddress) }
        return isServing ? try await kafkaState(side) : nil
    }

    private func processes(of host: LabHost) async throws(LabError) -> String {
        let files = layout.host(host)
        switch configuration.mode {
        case .processes:
            let server = try Self.pid(files.record(of: host.program))
            return "\(host.program.rawValue) \(server) agent \(try Self.pid(files.agentRecord))"
        case .systemd:
            let systemd = try await firstProcess(of: host)?.pid
            let server = try await mainProcess(of: host.program.rawValue + ".service", on: host)
            let agent = try await mainProcess(of: "mitosis-agent.service", on: host)
            return
                "systemd \(systemd.map(String.init) ?? "-") with \(host.program.rawValue) "
                + "\(server.map(String.init) ?? "-") agent \(agent.map(String.init) ?? "-")"
        }
    }

    private static func pid(_ record: String) throws(LabError) -> String {
        guard let process = try RecordFile.read(ProcessRecord.self, at: record), process.isRunning else {
            return "-"
        }
        return String(process.pid)
    }
}
