import ControlProtocol

/// What a host's own level, its groups and the defaults come to.
struct MergedSettings {
    /// Two groups of one host that differ, where neither could be said to win.
    struct Conflict {
        let key: String
        let first: String
        let firstPosition: YAMLPosition
        let second: String
        let position: YAMLPosition
    }

    private(set) var settings = HostSettings()
    private(set) var conflicts: [Conflict] = []

    init(host: SettingsLevel, groups: [(name: String, level: SettingsLevel)], _ defaults: SettingsLevel) {
        func merge<Value: Hashable>(_ key: String, _ path: WritableKeyPath<HostSettings, Value?>) {
            if let own = host.settings[keyPath: path] {
                settings[keyPath: path] = own
                return
            }
            var chosen: (value: Value, name: String, level: SettingsLevel)?
            for group in groups {
                guard let value = group.level.settings[keyPath: path] else { continue }
                guard let first = chosen else {
                    chosen = (value, group.name, group.level)
                    continue
                }
                guard first.value != value, let position = group.level.positions[key],
                    let firstPosition = first.level.positions[key]
                else { continue }
                conflicts.append(
                    Conflict(
                        key: key,
                        first: first.name,
                        firstPosition: firstPosition,
                        second: group.name,
                        position: position
                    )
                )
            }
            settings[keyPath: path] = chosen?.value ?? defaults.settings[keyPath: path]
        }
        merge("role", \.role)
        merge("service", \.service)
        merge("config", \.config)
        merge("files", \.files)
        merge("services", \.services)
        merge("manager", \.manager)
        merge("commands", \.commands)
        merge("backend", \.backend)
        merge("protected_ports", \.protectedPorts)
        merge("peers", \.peers)
        merge("listen", \.listen)
        merge("state", \.state)
        merge("hold", \.hold)
        merge("ssh.user", \.ssh.user)
        merge("ssh.port", \.ssh.port)
        merge("ssh.identity", \.ssh.identity)
        merge("ssh.jump", \.ssh.jump)
        merge("ssh.options", \.ssh.options)
        merge("ssh.sudo", \.ssh.sudo)
        merge("ssh.connect_seconds", \.ssh.connectSeconds)
    }

    /// What cannot be together, each with what to do.
    func objections(host: HostName) -> [String] {
        var found: [String] = []
        switch (settings.manager, settings.commands) {
        case (.command, nil):
            found.append(
                "'\(host)' has 'manager: command' and no 'commands'. Add them, or write 'manager: systemd'."
            )
        case (.command, let commands?):
            if let service = settings.service, commands[service] == nil {
                found.append(
                    "'\(host)' has no command lines for its service '\(service)'. Add them under 'commands'."
                )
            }
        case (_, _?):
            found.append(
                "'\(host)' has 'commands', which belong to 'manager: command'. Remove them, or change the manager."
            )
        case (_, nil): break
        }
        if settings.hold == true, settings.manager == .command {
            found.append(
                "'\(host)' has 'hold: true', which belongs to 'manager: systemd'. Remove it, and let what starts the server run "
                    + "`mitosis-agent --hold-check` first."
            )
        }
        return found
    }
}
