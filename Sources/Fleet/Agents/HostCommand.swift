package import ControlProtocol

/// One command for one host.
package struct HostCommand: Hashable, Sendable, Codable {
    package let host: HostName
    package let command: Command

    package init(_ host: HostName, _ command: Command) {
        self.host = host
        self.command = command
    }
}

extension HostCommand: Bounded {
    package func check() throws(OutOfBounds) { try check("command", command) }
}
