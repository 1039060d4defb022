package import ControlProtocol
package import Settings
package import Topology

/// A host's agent.yaml, as inventory, plan and the host itself come to it.
package struct AgentFileText: Hashable, Sendable {
    package let text: String

    /// What an inventory leaves to the host, settled.
    package struct Settled: Hashable, Sendable {
        package var role: HostSettings.Role
        package var service: String?
        package var config: String?
        package var backend: FirewallBackend
        package var files: [String]
        package var peers: [AddressBlock]
    }

    package init(_ host: InventoryHost, _ settled: Settled, pki: FleetPKI) {
        let settings = host.settings
        var ports = settings.protectedPorts ?? [22].compactMap { Port($0) }
        if let port = settings.ssh.port, !ports.contains(port) { ports.append(port) }
        let tls: [ProvisionedFile] = [.certificate, .key, .authority, .revocationList]
        let keys = ["certificate", "key", "authority", "revoked"]
        var lines = [
            "# Written by mitosis agents, from the inventory: change that, then `mitosis agents configure`.",
            "host: \(Self.quoted(host.host.description))", "listen:",
            "  address: \(Self.quoted(settings.listen?.description ?? "0.0.0.0"))",
            "  port: \(host.agent.port)", "tls:",
        ]
        lines += zip(keys, tls).map { "  \($0): \($1.path)" }
        lines += [
            "  trust_domain: \(Self.quoted(pki.trustDomain))",
            "state: \(Self.quoted(settings.state ?? Self.usualState))", "firewall:",
            "  backend: \(settled.backend.rawValue)",
            "  protected_ports: [\(ports.map(\.description).joined(separator: ", "))]",
        ]
        lines += Self.list("  peers", settled.peers.map(\.description), indent: "    ")
        lines += Self.list("files", settled.files, indent: "  ")
        lines += Self.services(settings, settled)
        if settled.role == .zookeeper, let service = settled.service, let config = settled.config {
            lines += ["zookeeper:", "  service: \(Self.quoted(service))", "  config: \(Self.quoted(config))"]
            // Another supervisor is not known well enough to be taught to ask.
            if settings.hold == true, (settings.manager ?? .systemd) == .systemd {
                lines.append("  hold: true")
            }
        }
        text = lines.joined(separator: "\n") + "\n"
    }

    package static let usualState = "/var/lib/mitosis"

    private static func services(_ settings: HostSettings, _ settled: Settled) -> [String] {
        switch settings.manager ?? .systemd {
        case .systemd:
            return ["services:", "  manager: systemd"]
                + list(
                    "  allow",
                    (settled.service.map { [$0] } ?? []) + (settings.services ?? []),
                    indent: "    "
                )
        case .command:
            let commands = (settings.commands ?? [:]).sorted { $0.key < $1.key }
            return ["services:", "  manager: command", "  commands:"]
                + commands.flatMap { name, lines in
                    [
                        "    \(quoted(name)):", "      start: \(words(lines.start))",
                        "      stop: \(words(lines.stop))",
                        "      status: \(words(lines.status))",
                    ]
                }
        }
    }

    private static func list(_ key: String, _ items: [String], indent: String) -> [String] {
        items.isEmpty ? ["\(key): []"] : ["\(key):"] + items.map { "\(indent)- \(quoted($0))" }
    }

    private static func words(_ items: [String]) -> String {
        "[\(items.map(quoted).joined(separator: ", "))]"
    }

    /// A YAML string in double quotes; controls as it escapes them.
    static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": quoted += "\\\(scalar)"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F:
                let digits = String(scalar.value, radix: 16)
                quoted += "\\x" + String(repeating: "0", count: 2 - digits.count) + digits
            case _: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
