import ControlProtocol
import Settings
import Topology

/// A draft as the file that an operator goes through.
struct DraftText {
    let draft: Draft

    /// Of comments.
    private static let width = 110
    private static let usual = Usual(
        client: 2181,
        quorum: 2888,
        election: 3888,
        agent: 9760,
        service: "zookeeper.service",
        config: "/etc/zookeeper/conf/zoo.cfg"
    )

    /// What a server has without saying.
    private struct Usual {
        var client: Int
        var quorum: Int
        var election: Int
        var agent: Int
        var service: String
        var config: String
    }

    func text(_ questions: [String]) -> String {
        let usual = shared()
        let sections: [[String]] = [
            head(questions), strategy(), fleet(usual), defaults(usual), side(.source, draft.source, usual),
            side(.destination, draft.destination, usual), deadlines(), kafka(usual), others(),
        ]
        return sections.filter { !$0.isEmpty }.map { $0.joined(separator: "\n") + "\n" }.joined(
            separator: "\n"
        )
    }

    /// On as many lines as it needs.
    private func comment(_ text: String, indent: Int = 0) -> String {
        let start = String(repeating: " ", count: indent) + "#"
        var lines = [start]
        for word in ForeignText.shown(text).split(separator: " ") {
            let last = lines[lines.count - 1]
            if last != start, last.count + word.count >= Self.width {
                lines.append("\(start) \(word)")
            } else {
                lines[lines.count - 1] = "\(last) \(word)"
            }
        }
        return lines.joined(separator: "\n")
    }

    private func head(_ questions: [String]) -> [String] {
        var lines = [
            comment(
                "Drafted by `mitosis init` from what the agents say. docs/plan-file.md describes every key;"
            ),
            comment(
                "`mitosis preflight` looks for what else could be wrong, `mitosis plan` shows every step. Both change nothing."
            ),
            "version: 1", "name: \(ForeignText.scalar(draft.name))",
        ]
        if !questions.isEmpty {
            lines += [
                "",
                comment(
                    "As long as one of these stands here, every command refuses this plan. Answer each, and remove its line."
                ),
            ]
            lines.append("questions:")
            lines += questions.map { "  - \(ForeignText.quoted($0))" }
        }
        return lines
    }

    private func strategy() -> [String] {
        [comment(draft.strategyReason), "strategy: \(draft.strategy.rawValue)"]
    }

    /// Who the coordinator is, and where the hosts are described.
    private func fleet(_ usual: Usual) -> [String] {
        guard draft.isStandalone else {
            return [
                comment(
                    "It says how the hosts are reached; addresses, services and files that it has are not repeated here."
                ),
                "inventory: \(ForeignText.scalar(draft.place.inventory))",
            ]
        }
        var lines = [
            "pki:", "  directory: \(ForeignText.scalar(draft.place.pkiDirectory))",
            "  coordinator: \(ForeignText.scalar(draft.pki.coordinator))",
            "  trust_domain: \(ForeignText.scalar(draft.pki.trustDomain))",
        ]
        if usual.agent != Self.usual.agent { lines.append("agent_port: \(usual.agent)") }
        return lines
    }

    private func defaults(_ usual: Usual) -> [String] {
        var lines: [String] = []
        for (key, value, standard) in [
            ("client_port", usual.client, Self.usual.client),
            ("quorum_port", usual.quorum, Self.usual.quorum),
            ("election_port", usual.election, Self.usual.election),
        ] where value != standard { lines.append("  \(key): \(value)") }
        for (key, value, standard) in [
            ("service", usual.service, Self.usual.service), ("config", usual.config, Self.usual.config),
        ] where value != standard { lines.append("  \(key): \(ForeignText.scalar(value))") }
        return lines.isEmpty ? [] : [comment("What every server has."), "defaults:"] + lines
    }

    /// What all servers have in common takes the place of what is usual.
    private func shared() -> Usual {
        let servers = draft.source.servers + draft.destination.servers
        let agents = servers.map(\.known.agent.port) + (draft.kafka?.brokers ?? []).map(\.known.agent.port)
        func common<Value: Hashable>(_ values: [Value], else usual: Value) -> Value {
            Set(values).count == 1 ? values[0] : usual
        }
        func common(_ ports: [Port], else usual: Int) -> Int {
            common(ports.map { Int($0.number) }, else: usual)
        }
        return Usual(
            client: common(servers.map(\.clientPort), else: Self.usual.client),
            quorum: common(servers.map(\.quorumPort), else: Self.usual.quorum),
            election: common(servers.map(\.electionPort), else: Self.usual.election),
            agent: common(agents, else: Self.usual.agent),
            service: common(servers.map(\.service), else: Self.usual.service),
            config: common(servers.map(\.config), else: Self.usual.config)
        )
    }

    private func side(_ name: EnsembleSide, _ side: Draft.Side, _ usual: Usual) -> [String] {
        var lines = ["\(name.rawValue):"] + side.notes.map { comment($0, indent: 2) }
        guard !side.servers.isEmpty else { return lines + ["  servers: []"] }
        lines.append("  servers:")
        for server in side.servers {
            lines.append(comment(server.note, indent: 4))
            lines.append("    - {\(fields(server, usual).joined(separator: ", "))}")
        }
        return lines
    }

    private func fields(_ server: Draft.Server, _ usual: Usual) -> [String] {
        var fields = ["id: \(server.id)", "host: \(ForeignText.scalar(server.known.host.description))"]
        if draft.isStandalone {
            fields.append("address: \(ForeignText.scalar(server.address))")
            let own = IPAddress(server.address)
            let further = server.known.allAddresses.filter { $0 != own }
            if !further.isEmpty {
                let texts = further.map { ForeignText.scalar($0.description) }
                fields.append("addresses: [\(texts.joined(separator: ", "))]")
            }
            fields += agent(server.known, at: server.address, usual)
        }
        for (key, port, standard) in [
            ("client_port", server.clientPort, usual.client),
            ("quorum_port", server.quorumPort, usual.quorum),
            ("election_port", server.electionPort, usual.election),
        ] where Int(port.number) != standard { fields.append("\(key): \(port)") }
        return fields
            + setting("service", server.service, known: server.known.settings.service, usual: usual.service)
            + setting("config", server.config, known: server.known.settings.config, usual: usual.config)
    }

    private func agent(_ known: InventoryHost, at address: String, _ usual: Usual) -> [String] {
        var fields: [String] = []
        if known.agent.address != address {
            fields.append("agent_address: \(ForeignText.scalar(known.agent.address))")
        }
        if Int(known.agent.port.number) != usual.agent { fields.append("agent_port: \(known.agent.port)") }
        return fields
    }

    /// Left out where the inventory, or else the usual value, says the same.
    private func setting(_ key: String, _ value: String, known: String?, usual: String) -> [String] {
        let without = draft.isStandalone ? usual : known ?? usual
        return value == without ? [] : ["\(key): \(ForeignText.scalar(value))"]
    }

    private func deadlines() -> [String] {
        guard let deadlines = draft.deadlines else { return [] }
        return [
            comment(deadlines.reason), "deadlines:", "  join_seconds: \(deadlines.join)",
            "  restart_seconds: \(deadlines.restart)", "  division_seconds: \(deadlines.division)",
        ]
    }

    private func kafka(_ usual: Usual) -> [String] {
        guard let kafka = draft.kafka else { return [] }
        var lines = [
            comment(
                "Every broker of the cluster that the inventory knows; one that is registered and not here is refused."
            ),
            "kafka:",
        ]
        if !kafka.chroot.isEmpty { lines.append("  chroot: \(ForeignText.scalar(kafka.chroot))") }
        lines.append("  brokers:")
        for broker in kafka.brokers {
            var fields = ["id: \(broker.id)", "host: \(ForeignText.scalar(broker.known.host.description))"]
            if draft.isStandalone {
                fields.append("address: \(ForeignText.scalar(broker.known.address))")
                fields += agent(broker.known, at: broker.known.address, usual)
            }
            let settings = broker.known.settings
            fields += setting("service", broker.service, known: settings.service, usual: "kafka.service")
            fields += setting(
                "config",
                broker.config,
                known: settings.config,
                usual: "/etc/kafka/server.properties"
            )
            lines.append("    - {\(fields.joined(separator: ", "))}")
        }
        return lines
    }

    /// What no agent can tell.
    private func others() -> [String] {
        [
            comment(
                "Who else is connected, and would be left behind: `mitosis clients`; then 'clients' and 'trees'."
            ),
            comment(
                "What others go on writing on the source, below what moves, belongs under 'proofs', 'except'."
            ),
            comment("Where nodes have ACLs, sessions need 'auth'."),
        ]
    }
}
