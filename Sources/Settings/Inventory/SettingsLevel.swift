import ControlProtocol
import Topology

/// What one level of an inventory says of its hosts: `defaults`, a group, or a host.
struct SettingsLevel {
    static let keys = [
        "role", "service", "config", "files", "services", "manager", "commands", "backend", "protected_ports",
        "peers", "listen", "state", "hold", "ssh",
    ]
    private static let sshKeys = ["user", "port", "identity", "jump", "options", "sudo", "connect_seconds"]

    var settings = HostSettings()
    /// Where each key stands, those of `ssh` with it before them.
    var positions: [String: YAMLPosition] = [:]

    init() {}

    /// Every mistake is noted; what is wrong is left out.
    init(_ map: YAMLMapping, _ problems: inout YAMLProblems) throws(YAMLError) {
        for key in Self.keys where key != "ssh" && map[key] != nil { positions[key] = map.position(of: key) }
        settings.role = try problems.choice("role", in: map)
        settings.service = try problems.text("service", in: map, isService, "no unit or service name")
        settings.config = try problems.path("config", in: map)
        settings.files = try problems.list("files", in: map, HostPath.plain, otherwise: HostPath.advice)
        settings.services = try problems.list(
            "services",
            in: map,
            { isService($0) ? $0 : nil },
            otherwise: { "'\($0)' is no unit or service name." }
        )
        settings.manager = try problems.choice("manager", in: map)
        settings.commands = try commands(map, &problems)
        settings.backend = try problems.choice("backend", in: map)
        settings.protectedPorts = try ports(map, &problems)
        settings.peers = try problems.list(
            "peers",
            in: map,
            { AddressBlock($0) },
            otherwise: {
                "'\($0)' is not a block of addresses. Write for instance 198.51.100.0/24, without host bits."
            }
        )
        settings.listen = try problems.one(
            "listen",
            in: map,
            { IPAddress($0) },
            otherwise: {
                "'\($0)' is not an IP address. Write one of the host's, or leave 'listen' out for all of them."
            }
        )
        settings.state = try problems.one("state", in: map, StatePlace.plain, otherwise: StatePlace.advice)
        settings.hold =
            try problems.attempt { () throws(YAMLError) in try map.optionalBoolean("hold") } ?? nil
        if let node = map["ssh"], let ssh = try problems.mapping(node, keys: Self.sshKeys, subject: "'ssh'") {
            for key in Self.sshKeys where ssh[key] != nil { positions["ssh.\(key)"] = ssh.position(of: key) }
            settings.ssh = try sshSettings(ssh, &problems)
        }
    }

    private func sshSettings(
        _ map: YAMLMapping,
        _ problems: inout YAMLProblems
    ) throws(YAMLError) -> SSHSettings {
        var ssh = SSHSettings()
        ssh.user = try problems.text("user", in: map, isArgument, "no user's name")
        ssh.port = try problems.attempt { () throws(YAMLError) in
            try map.optionalInteger("port", in: 1...65_535)
        }?.flatMap { Port($0) }
        ssh.identity = try problems.text("identity", in: map, { !$0.isEmpty }, "no file")
            .map { FilePlace.beside(map.node.file, $0) }
        ssh.jump = try problems.one(
            "jump",
            in: map,
            { SSHJump.all(in: $0) },
            otherwise: {
                "'jump' is '\($0)', which is no host to jump over. Write [user@]host[:port], several with commas between "
                    + "them, or none."
            }
        )
        ssh.options = try problems.list(
            "options",
            in: map,
            Self.option,
            otherwise: {
                "'\($0)' is no option of ssh. Write Key=Value as in ssh_config. Host keys are always checked: what would "
                    + "switch that off, or run a program, is refused."
            }
        )
        ssh.sudo = try problems.attempt { () throws(YAMLError) in try map.optionalBoolean("sudo") } ?? nil
        ssh.connectSeconds =
            try problems.attempt { () throws(YAMLError) in
                try map.optionalInteger("connect_seconds", in: 1...600)
            } ?? nil
        return ssh
    }

    private func isService(_ text: String) -> Bool { isArgument(text) && !text.contains("/") }

    /// Nothing that a program could take for an option, or that stands for two words.
    private func isArgument(_ text: String) -> Bool {
        !text.isEmpty && text.first != "-" && text.utf8.allSatisfy { $0 > 32 && $0 < 127 }
    }

    private static let refusedOptions: Set = [
        "stricthostkeychecking", "userknownhostsfile", "globalknownhostsfile", "knownhostscommand",
        "localcommand",
        "permitlocalcommand", "remotecommand", "nohostauthenticationforlocalhost", "updatehostkeys", "tunnel",
        "localforward", "remoteforward", "dynamicforward", "batchmode", "checkhostip", "hostkeyalias",
        "verifyhostkeydns", "requesttty", "proxycommand", "proxyjump", "user", "port", "identityfile",
        "pkcs11provider", "securitykeyprovider",
    ]

    private static func option(_ text: String) -> String? {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let key = parts.first, !key.isEmpty, parts[1].isEmpty == false,
            key.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber) }),
            !refusedOptions.contains(key.lowercased())
        else { return nil }
        return text
    }

    private func ports(_ map: YAMLMapping, _ problems: inout YAMLProblems) throws(YAMLError) -> [Port]? {
        guard
            let items = try problems.attempt({ () throws(YAMLError) in
                try map.optionalItems("protected_ports")
            }) ?? nil
        else { return nil }
        var ports: [Port] = []
        for item in items {
            let number = try problems.attempt { () throws(YAMLError) in
                try item.integer(in: 1...65_535, subject: "a protected port")
            }
            if let port = number.flatMap({ Port($0) }) { ports.append(port) }
        }
        return ports
    }

    private func commands(
        _ map: YAMLMapping,
        _ problems: inout YAMLProblems
    ) throws(YAMLError) -> [String: HostSettings.CommandLines]? {
        guard let node = map["commands"],
            let entries = try problems.attempt({ () throws(YAMLError) in
                try node.entries(subject: "'commands'")
            })
        else { return nil }
        var commands: [String: HostSettings.CommandLines] = [:]
        for entry in entries {
            let lines = try problems.attempt { () throws(YAMLError) in
                let lines = try entry.value.mapping(
                    keys: ["start", "stop", "status"],
                    subject: "'\(entry.key)'"
                )
                return HostSettings.CommandLines(
                    start: try Self.words(lines.value("start")),
                    stop: try Self.words(lines.value("stop")),
                    status: try Self.words(lines.value("status"))
                )
            }
            if let lines { commands[entry.key] = lines }
        }
        return commands
    }

    private static func words(_ node: YAMLNode) throws(YAMLError) -> [String] {
        let words = try node.strings(subject: "a command")
        guard let program = words.first, program.hasPrefix("/") else {
            throw node.refused("a command is a list that starts with a program's absolute path. Write it so.")
        }
        return words
    }
}

/// Paths on the coordinator's machine.
enum FilePlace {
    /// What is relative lies beside the file that names it; `~/` is left to whom it is given.
    static func beside(_ file: String, _ path: String) -> String {
        guard !path.hasPrefix("/"), !path.hasPrefix("~/"), let slash = file.lastIndex(of: "/") else {
            return path
        }
        return file[...slash] + (path.hasPrefix("./") ? String(path.dropFirst(2)) : path)
    }
}

/// Paths on a host, as the agent takes them.
enum HostPath {
    static func plain(_ path: String) -> String? {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard path.hasPrefix("/"), path.count > 1, !parts.contains(".."), !parts.contains("."),
            !parts.dropFirst().contains("")
        else { return nil }
        return path
    }

    static func advice(_ path: String) -> String {
        "'\(path)' is not a plain absolute path. Write it from /, without '.', '..' or '//'."
    }
}

extension YAMLProblems {
    mutating func choice<Choice: RawRepresentable & CaseIterable>(
        _ key: String,
        in map: YAMLMapping
    ) throws(YAMLError) -> Choice? where Choice.RawValue == String {
        let known = Choice.allCases.map(\.rawValue)
        return try one(
            key,
            in: map,
            { Choice(rawValue: $0) },
            otherwise: {
                "'\(key)' is '\($0)'. Choose one of: \(known.joined(separator: ", "))."
            }
        )
    }

    mutating func text(
        _ key: String,
        in map: YAMLMapping,
        _ isRight: (String) -> Bool,
        _ otherwise: String
    ) throws(YAMLError) -> String? {
        try one(
            key,
            in: map,
            { isRight($0) ? $0 : nil },
            otherwise: {
                "'\(key)' is '\($0)', which is \(otherwise). Correct it."
            }
        )
    }

    mutating func path(_ key: String, in map: YAMLMapping) throws(YAMLError) -> String? {
        try one(key, in: map, HostPath.plain, otherwise: HostPath.advice)
    }

    /// Nil when the key is absent.
    mutating func list<Item>(
        _ key: String,
        in map: YAMLMapping,
        _ read: (String) -> Item?,
        otherwise advice: (String) -> String
    ) throws(YAMLError) -> [Item]? {
        guard let node = map[key],
            let nodes = try attempt({ () throws(YAMLError) in try node.items(subject: "'\(key)'") })
        else { return nil }
        var found: [Item] = []
        for node in nodes {
            guard let item = try item(node, subject: "each item of '\(key)'", read, otherwise: advice) else {
                continue
            }
            found.append(item)
        }
        return found
    }

    /// Nil when the key is absent, and after a mistake was noted.
    mutating func one<Item>(
        _ key: String,
        in map: YAMLMapping,
        _ read: (String) -> Item?,
        otherwise advice: (String) -> String
    ) throws(YAMLError) -> Item? {
        guard let node = map[key] else { return nil }
        return try item(node, subject: "'\(key)'", read, otherwise: advice)
    }

    private mutating func item<Item>(
        _ node: YAMLNode,
        subject: String,
        _ read: (String) -> Item?,
        otherwise advice: (String) -> String
    ) throws(YAMLError) -> Item? {
        try attempt { () throws(YAMLError) in
            let text = try node.string(subject: subject)
            guard let item = read(text) else { throw node.refused(advice(text)) }
            return item
        }
    }
}
