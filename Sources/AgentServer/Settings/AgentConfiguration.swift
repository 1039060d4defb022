package import ControlProtocol
package import Logs
package import Topology

/// `/etc/mitosis/agent.yaml`, checked.
package struct AgentConfiguration: Hashable, Sendable {
    package struct Certificates: Hashable, Sendable {
        package let certificate: String
        package let key: String
        package let authority: String
        /// The revocation list; nil when none is kept.
        package let revoked: String?
        package let trustDomain: String
    }

    package struct CommandLines: Hashable, Sendable {
        package let start: [String]
        package let stop: [String]
        package let status: [String]
    }

    package enum Services: Hashable, Sendable {
        /// Units, by full name.
        case systemd(allow: [String])
        case command(services: [String: CommandLines])

        package var names: [String] {
            switch self {
            case .systemd(let allow): allow
            case .command(let services): services.keys.sorted()
            }
        }
    }

    package struct ZooKeeper: Hashable, Sendable {
        package let service: String
        package let config: String
        /// A Java program and a class path; nil where the process or the unit shows them.
        package let java: [String]?
        /// Whether `mitosis agents` lets its unit ask at its start whether the division holds it back.
        package let isHeld: Bool
    }

    package let host: HostName
    package let address: IPAddress
    package let port: Port
    package let certificates: Certificates
    package let state: String
    package let backend: FirewallBackend
    package let protectedPorts: [Port]
    package let peers: [AddressBlock]
    package let files: [String]
    package let services: Services
    package let zookeeper: ZooKeeper?
    package let logLevel: LogLevel

    package var allowList: AllowList {
        AllowList(
            peers: peers,
            files: files,
            services: services.names,
            protectedPorts: Array(Set(protectedPorts + [port])).sorted(),
            own: address
        )
    }

    /// The same with other certificate files.
    func reading(_ certificates: Certificates) -> AgentConfiguration {
        AgentConfiguration(
            host: host,
            address: address,
            port: port,
            certificates: certificates,
            state: state,
            backend: backend,
            protectedPorts: protectedPorts,
            peers: peers,
            files: files,
            services: services,
            zookeeper: zookeeper,
            logLevel: logLevel
        )
    }

    /// As its certificate must name it.
    var identity: String { "spiffe://\(certificates.trustDomain)/agent/\(host)" }

    /// For `--check` and the first log line.
    package var summary: String {
        let manager =
            switch services {
            case .systemd: "systemd"
            case .command: "command"
            }
        return """
            host        \(host)
            listen      \(address) port \(port)
            identity    \(identity)
            state       \(state)
            firewall    \(backend.rawValue), protected ports \(list(allowList.protectedPorts))
            peers       \(list(peers))
            files       \(list(files))
            services    \(manager): \(list(services.names))
            zookeeper   \(zookeeper.map { "\($0.service), \($0.config)" } ?? "none on this host")
            log_level   \(logLevel.rawValue)
            """
    }

    private func list<Item: CustomStringConvertible>(_ items: [Item]) -> String {
        items.isEmpty ? "none" : items.map(\.description).joined(separator: ", ")
    }
}
