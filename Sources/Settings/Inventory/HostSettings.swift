package import ControlProtocol
package import Topology

/// What runs on a host, where it lies, and how it is reached for an installation.
///
/// Each is what the host itself says, else its groups, else the inventory's `defaults`; nil and empty when none does.
package struct HostSettings: Hashable, Sendable {
    package enum Role: String, Hashable, Sendable, CaseIterable {
        case zookeeper
        case kafka
        /// Neither of the two; rules and files only.
        case other
    }

    package enum Manager: String, Hashable, Sendable, CaseIterable {
        case systemd
        case command
    }

    /// The three argument lists by which another supervisor is asked.
    package struct CommandLines: Hashable, Sendable {
        package let start: [String]
        package let stop: [String]
        package let status: [String]
    }

    package var role: Role?
    /// The unit or service of ZooKeeper, or of the broker.
    package var service: String?
    /// Its configuration file.
    package var config: String?
    /// Further files that the agent may read and write.
    package var files: [String]?
    /// Further units that the agent may start and stop; under `Manager.command` the names in `commands` say that.
    package var services: [String]?
    package var manager: Manager?
    /// By name of the service; for `Manager.command` only.
    package var commands: [String: CommandLines]?
    /// The packet filter's tool; nil for the one that is found on the host.
    package var backend: FirewallBackend?
    package var protectedPorts: [Port]?
    /// Which addresses may be walled off; nil for those of the inventory's and plan's ZooKeeper hosts.
    package var peers: [AddressBlock]?
    /// Where the agent listens; nil for every address of the host.
    package var listen: IPAddress?
    /// The agent's state directory.
    package var state: String?
    /// Whether ZooKeeper's unit asks at its start whether a division holds it back; nil for a plan's word: on its destination.
    package var hold: Bool?
    package var ssh = SSHSettings()

    package init() {}
}

/// How the system's ssh is called for a host; what is nil is left to ssh's own configuration.
package struct SSHSettings: Hashable, Sendable {
    package var user: String?
    package var port: Port?
    /// The private key's file.
    package var identity: String?
    /// As ssh's ProxyJump; empty for none, whatever ssh's own files say.
    package var jump: [SSHJump]?
    /// Each as `Key=Value`, for ssh's `-o`.
    package var options: [String]?
    /// Whether root is reached through sudo.
    package var sudo: Bool?
    /// For the connection to stand; seconds.
    package var connectSeconds: Int?

    package init() {}
}
