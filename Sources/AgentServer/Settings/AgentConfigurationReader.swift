import ControlProtocol
import Logs
package import Settings
import SystemCalls
import Topology

/// Reads `agent.yaml`; reports every mistake of a file at once.
package struct AgentConfigurationReader {
    private var problems = YAMLProblems()

    /// Refuses a file that somebody else can change.
    package static func readOwn(path: String) throws(AgentServerError) -> AgentConfiguration {
        try read(path: path, believing: .daemon)
    }

    package static func read(path: String) throws(AgentServerError) -> AgentConfiguration {
        try read(path: path, believing: nil)
    }

    private static func read(
        path: String,
        believing owners: TrustedOwners?
    ) throws(AgentServerError) -> AgentConfiguration {
        do {
            return try read(YAMLDocument.read(path: path, believing: owners))
        } catch {
            throw .configuration(problem: error)
        }
    }

    package static func read(_ document: YAMLDocument) throws(YAMLError) -> AgentConfiguration {
        var reader = AgentConfigurationReader()
        return try reader.configuration(document.root)
    }

    private mutating func configuration(_ root: YAMLNode) throws(YAMLError) -> AgentConfiguration {
        let top = try root.mapping(
            keys: [
                "host", "listen", "tls", "state", "firewall", "files", "services", "zookeeper", "log_level",
            ]
        )
        let host = try problems.attempt { () throws(YAMLError) in try Self.host(top.value("host")) }
        let listen = try problems.attempt { () throws(YAMLError) in try Self.listen(top) }
        let certificates = try problems.attempt { () throws(YAMLError) in try Self.certificates(top) }
        let state = try problems.attempt { () throws(YAMLError) in try Self.state(top.value("state")) }
        let firewall = try problems.attempt { () throws(YAMLError) in try Self.firewall(top) }
        let files = try problems.attempt { () throws(YAMLError) in try Self.files(top) }
        let services = try problems.attempt { () throws(YAMLError) in try Self.services(top) }
        let zookeeper = try problems.attempt { () throws(YAMLError) in
            try Self.zookeeper(top, files: files, services: services)
        }
        let logLevel = try problems.attempt { () throws(YAMLError) in try Self.logLevel(top) }
        try problems.check()
        guard let host, let listen, let certificates, let state, let firewall, let files, let services,
            let zookeeper, let logLevel
        else { throw root.refused("The settings could not be read; mend the file.") }
        return AgentConfiguration(
            host: host,
            address: listen.0,
            port: listen.1,
            certificates: certificates,
            state: state,
            backend: firewall.backend,
            protectedPorts: firewall.ports,
            peers: firewall.peers,
            files: files,
            services: services,
            zookeeper: zookeeper,
            logLevel: logLevel
        )
    }

    private static func host(_ node: YAMLNode) throws(YAMLError) -> HostName {
        guard let host = HostName(try node.string(subject: "'host'")) else {
            throw node.refused(
                "'host' must be 1 to 63 of a-z 0-9 . - and start and end with a letter or digit. "
                    + "Write the name that the certificate bears."
            )
        }
        return host
    }

    private static func listen(_ top: YAMLMapping) throws(YAMLError) -> (IPAddress, Port) {
        let listen = try top.mapping("listen", keys: ["address", "port"])
        let text = try listen.string("address")
        guard let address = IPAddress(text) else {
            throw try listen.value("address").refused(
                "'\(text)' is not an IP address. Write one of this host's, or \"0.0.0.0\"."
            )
        }
        return (address, try port(listen.value("port"), subject: "'port'"))
    }

    private static func certificates(_ top: YAMLMapping) throws(YAMLError) -> AgentConfiguration.Certificates
    {
        let tls = try top.mapping(
            "tls",
            keys: ["certificate", "key", "authority", "revoked", "trust_domain"]
        )
        let domain = try tls.string("trust_domain")
        guard HostName(domain) != nil else {
            throw try tls.value("trust_domain").refused(
                "'\(domain)' is not a trust domain. Write the one that `mitosis pki init` was given."
            )
        }
        var revoked: String?
        if let node = tls["revoked"] { revoked = try path(node) }
        return AgentConfiguration.Certificates(
            certificate: try path(tls.value("certificate")),
            key: try path(tls.value("key")),
            authority: try path(tls.value("authority")),
            revoked: revoked,
            trustDomain: domain
        )
    }

    private static func firewall(
        _ top: YAMLMapping
    ) throws(YAMLError) -> (backend: FirewallBackend, ports: [Port], peers: [AddressBlock]) {
        let firewall = try top.mapping("firewall", keys: ["backend", "protected_ports", "peers"])
        let text = try firewall.string("backend")
        guard let backend = FirewallBackend(rawValue: text) else {
            let known = FirewallBackend.allCases.map(\.rawValue).joined(separator: ", ")
            throw try firewall.value("backend").refused(
                "'\(text)' is no firewall backend. Write one of \(known)."
            )
        }
        var ports: [Port] = []
        for node in try firewall.items("protected_ports") {
            ports.append(try port(node, subject: "a protected port"))
        }
        var peers: [AddressBlock] = []
        for node in try firewall.items("peers") {
            let text = try node.string(subject: "a peer")
            guard let block = AddressBlock(text) else {
                throw node.refused(
                    "'\(text)' is not a block of addresses. Write for instance 198.51.100.0/24, without host bits."
                )
            }
            peers.append(block)
        }
        return (backend, ports, peers)
    }

    private static func files(_ top: YAMLMapping) throws(YAMLError) -> [String] {
        var files: [String] = []
        for node in try top.items("files") { files.append(try path(node)) }
        return files
    }

    private static func services(_ top: YAMLMapping) throws(YAMLError) -> AgentConfiguration.Services {
        let services = try top.mapping("services", keys: ["manager", "allow", "commands"])
        let manager = try services.string("manager")
        switch manager {
        case "systemd":
            if let node = services["commands"] {
                throw node.refused(
                    "'commands' belongs to 'manager: command'. Remove it, or change the manager."
                )
            }
            var units: [String] = []
            for node in try services.items("allow") { units.append(try unit(node)) }
            return .systemd(allow: units)
        case "command":
            if let node = services["allow"] {
                throw node.refused(
                    "'allow' belongs to 'manager: systemd'; here 'commands' lists what is allowed. Remove it."
                )
            }
            var lines: [String: AgentConfiguration.CommandLines] = [:]
            for entry in try services.value("commands").entries(subject: "'commands'") {
                let commands = try entry.value.mapping(
                    keys: ["start", "stop", "status"],
                    subject: "'\(entry.key)'"
                )
                lines[entry.key] = AgentConfiguration.CommandLines(
                    start: try commandLine(commands.value("start")),
                    stop: try commandLine(commands.value("stop")),
                    status: try commandLine(commands.value("status"))
                )
            }
            return .command(services: lines)
        case _:
            throw try services.value("manager").refused(
                "'\(manager)' is no service manager. Write systemd or command."
            )
        }
    }

    /// The outer optional is `attempt`'s; a host without ZooKeeper has none.
    private static func zookeeper(
        _ top: YAMLMapping,
        files: [String]?,
        services: AgentConfiguration.Services?
    ) throws(YAMLError) -> AgentConfiguration.ZooKeeper? {
        guard
            let zookeeper = try top.optionalMapping("zookeeper", keys: ["service", "config", "java", "hold"])
        else {
            return nil
        }
        let service = try zookeeper.string("service")
        let config = try path(zookeeper.value("config"))
        if let services, !services.names.contains(service) {
            throw try zookeeper.value("service").refused(
                "'\(service)' is not among the services above. Add it there."
            )
        }
        if let files, !files.contains(config) {
            throw try zookeeper.value("config").refused("'\(config)' is not among 'files'. Add it there.")
        }
        var java: [String]?
        if let node = zookeeper["java"] {
            let words = try node.strings(subject: "'java'")
            guard words.count == 2, words[0].hasPrefix("/"), !words[1].isEmpty else {
                throw node.refused(
                    "'java' is a list of two: the absolute path of a Java program, and a class path. Write it so."
                )
            }
            java = words
        }
        let isHeld = try zookeeper.optionalBoolean("hold") ?? false
        if isHeld, case .command = services {
            throw try zookeeper.value("hold").refused(
                "'hold' belongs to 'manager: systemd'. Remove it, and let what starts the server run "
                    + "`mitosis-agent --hold-check` first."
            )
        }
        return AgentConfiguration.ZooKeeper(service: service, config: config, java: java, isHeld: isHeld)
    }

    private static func logLevel(_ top: YAMLMapping) throws(YAMLError) -> LogLevel {
        guard let node = top["log_level"] else { return .info }
        let text = try node.string(subject: "'log_level'")
        guard let level = LogLevel(rawValue: text) else {
            let known = LogLevel.allCases.map(\.rawValue).joined(separator: ", ")
            throw node.refused("'\(text)' is no log level. Write one of \(known).")
        }
        return level
    }

    private static func port(_ node: YAMLNode, subject: String) throws(YAMLError) -> Port {
        guard let port = Port(try node.integer(in: 1...65_535, subject: subject)) else {
            throw node.refused("\(subject) must be from 1 to 65535.")
        }
        return port
    }

    private static func path(_ node: YAMLNode) throws(YAMLError) -> String {
        let path = try node.string(subject: "a path")
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard path.hasPrefix("/"), path.count > 1, !parts.contains(".."), !parts.contains("."),
            !parts.dropFirst().contains("")
        else {
            throw node.refused(
                "'\(path)' is not a plain absolute path. Write it from /, without '.', '..' or '//'."
            )
        }
        return path
    }

    private static func state(_ node: YAMLNode) throws(YAMLError) -> String {
        let path = try path(node)
        guard StatePlace.plain(path) != nil else { throw node.refused(StatePlace.advice(path)) }
        return path
    }

    private static func unit(_ node: YAMLNode) throws(YAMLError) -> String {
        let unit = try node.string(subject: "a unit")
        guard unit.hasSuffix(".service"), !unit.contains("/"), !unit.contains(" "), !unit.hasPrefix("-")
        else {
            throw node.refused(
                "'\(unit)' is not a service unit. Write its whole name, for instance zookeeper.service."
            )
        }
        return unit
    }

    private static func commandLine(_ node: YAMLNode) throws(YAMLError) -> [String] {
        let words = try node.strings(subject: "a command")
        guard let program = words.first, program.hasPrefix("/") else {
            throw node.refused("a command is a list that starts with a program's absolute path. Write it so.")
        }
        return words
    }
}
