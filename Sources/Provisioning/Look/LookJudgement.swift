import ControlProtocol
package import Settings
package import Topology

/// What a look at a host comes to: every reason not to begin there, and what the inventory leaves to the host.
package struct LookJudgement: Hashable, Sendable {
    package let objections: [String]
    /// Nil when something that it needs could not be found; an objection says what.
    package let settled: AgentFileText.Settled?

    /// Certificates are judged by time.
    private static let mostClockError: Int64 = 120
    /// For what an agent keeps; KiB.
    private static let stateSpace = 65_536

    /// - Parameters:
    ///   - neighbours: addresses of every ZooKeeper host of inventory and plan; nil where one of them has none known.
    ///   - now: Unix seconds.
    package init(
        _ look: HostLook,
        _ host: InventoryHost,
        binary: AgentBinary,
        neighbours: [IPAddress]?,
        now: Int64
    ) {
        guard look.uid == 0 else {
            let user = look.uid.map { "user \($0)" } ?? "a user of no number"
            objections = ["root is needed, and ssh came in as \(user): set ssh.user: root, or ssh.sudo: true"]
            settled = nil
            return
        }
        var reasons = Self.system(look, binary, now: now)
        let role = host.settings.role ?? Self.role(look)
        let backend = host.settings.backend ?? Self.backend(look)
        reasons += Self.filter(look, backend)
        let service = host.settings.service ?? Self.service(look, role)
        let config = host.settings.config ?? Self.config(look, role)
        reasons += Self.server(look, host.settings, role, service, config)
        let peers = host.settings.peers ?? neighbours?.compactMap { AddressBlock($0.description) }
        if peers == nil {
            reasons.append(
                "not every ZooKeeper host of the inventory has an IP address in it: give `addresses` there, or `peers` here"
            )
        }
        objections = reasons
        guard let backend, let peers else {
            settled = nil
            return
        }
        var files = config.map { [$0] } ?? []
        if role == .kafka, let config {
            files += (look.logDirectories[config] ?? []).map { $0 + "/meta.properties" }
        }
        files += host.settings.files ?? []
        var seen: Set<String> = []
        settled = AgentFileText.Settled(
            role: role,
            service: service,
            config: config,
            backend: backend,
            files: files.filter { seen.insert($0).inserted },
            peers: peers
        )
    }

    private static func system(_ look: HostLook, _ binary: AgentBinary, now: Int64) -> [String] {
        var reasons: [String] = []
        let system = look.system.map { " (\($0))" } ?? ""
        if let machine = binary.machine, look.machine != machine {
            reasons.append(
                "it is of another architecture (\(look.machine ?? "unknown"), the agent is for \(machine)): name another --agent"
            )
        }
        if let needed = binary.glibc {
            if let found = look.glibc, found < needed {
                reasons.append(
                    "its glibc is \(found)\(system), the agent needs \(needed) or newer: it cannot run there"
                )
            } else if look.glibc == nil {
                reasons.append("it has no glibc\(system), which the agent needs: it cannot run there")
            }
        }
        if look.libssl == nil {
            reasons.append("libssl.so.3 is missing\(system): install OpenSSL 3 (Debian, Ubuntu: libssl3)")
        }
        if look.systemd == nil {
            reasons.append(
                "no systemd runs there, which is to run the agent: install it by hand (docs/operators-manual.md)"
            )
        }
        for tool in ["dd", "sha256sum", "base64", "flock"] where !look.tools.contains(tool) {
            reasons.append(
                "\(tool) is missing, which the installation needs: install coreutils and util-linux"
            )
        }
        if let clock = look.clock, abs(clock - now) > mostClockError {
            let seconds = clock - now
            reasons.append(
                "its clock is \(abs(seconds)) s \(seconds > 0 ? "ahead" : "behind"): certificates are judged by time; set it (chrony, timesyncd)"
            )
        } else if look.clock == nil {
            reasons.append("it does not tell the time: set its clock")
        }
        let size = binary.content.count / 1024
        for (folder, needed) in [("/usr/bin", size), ("/etc", 1024), ("/var/lib", 2 * size + stateSpace)] {
            guard let free = look.free[folder], free < needed else { continue }
            reasons.append("\(folder) has \(free) KiB free, \(needed) KiB are needed: make room")
        }
        if look.isInterrupted {
            reasons.append(
                "an earlier installation was broken off and could not be ended: look at \(ProvisionedFile.workFolder) there"
            )
        }
        return reasons
    }

    private static func filter(_ look: HostLook, _ backend: FirewallBackend?) -> [String] {
        guard let backend else {
            return ["neither nft nor iptables is there: install nftables, else no wall can be put up"]
        }
        let tool =
            switch backend {
            case .nftables: "nft"
            case .iptablesNft: "iptables-nft"
            case .iptablesLegacy: "iptables-legacy"
            }
        return look.tools.contains(tool)
            ? []
            : ["\(tool) is missing, which backend \(backend.rawValue) needs: install it, or change `backend`"]
    }

    private static func server(
        _ look: HostLook,
        _ settings: HostSettings,
        _ role: HostSettings.Role,
        _ service: String?,
        _ config: String?
    ) -> [String] {
        var reasons: [String] = []
        let isNeeded =
            switch role {
            case .zookeeper, .kafka: true
            case .other: false
            }
        if let service {
            if (settings.manager ?? .systemd) == .systemd, !look.units.contains(service) {
                reasons.append("systemd knows no \(service) there: correct `service`, or install it first")
            }
        } else if isNeeded {
            reasons.append("no unit of \(role.rawValue) was found: set `service`")
        }
        if let config {
            if !look.configs.contains(config) { reasons.append("\(config) is not there: correct `config`") }
        } else if isNeeded {
            reasons.append("no configuration of \(role.rawValue) was found: set `config`")
        }
        return reasons
    }

    private static func role(_ look: HostLook) -> HostSettings.Role {
        if look.configs.contains(where: { $0.hasSuffix("/zoo.cfg") }),
            look.units.contains("zookeeper.service")
        {
            return .zookeeper
        }
        return look.units.contains("kafka.service") ? .kafka : .other
    }

    private static func backend(_ look: HostLook) -> FirewallBackend? {
        if look.tools.contains("nft") { return .nftables }
        guard let version = look.iptables else { return nil }
        return version.contains("nf_tables") ? .iptablesNft : .iptablesLegacy
    }

    private static func service(_ look: HostLook, _ role: HostSettings.Role) -> String? {
        switch role {
        case .zookeeper: look.units.first { $0 == "zookeeper.service" }
        case .kafka: look.units.first { $0 == "kafka.service" }
        case .other: nil
        }
    }

    private static func config(_ look: HostLook, _ role: HostSettings.Role) -> String? {
        switch role {
        case .zookeeper: look.configs.first { $0.hasSuffix("/zoo.cfg") }
        case .kafka: look.configs.first { $0.hasSuffix("/server.properties") }
        case .other: nil
        }
    }
}

extension Inventory {
    /// The addresses of all hosts that are, or may be, ZooKeeper's; nil where one of them has none known.
    package var neighbours: [IPAddress]? {
        var addresses: [IPAddress] = []
        for host in hosts {
            switch host.settings.role {
            case .kafka, .other: continue
            case .zookeeper, nil: break
            }
            guard !host.allAddresses.isEmpty else { return nil }
            addresses += host.allAddresses
        }
        return addresses
    }
}
