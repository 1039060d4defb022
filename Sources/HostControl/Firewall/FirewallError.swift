package import ControlProtocol
import Topology

/// Why the firewall could not be read or changed.
package enum FirewallError: Error, Hashable, Sendable {
    /// Nothing was changed.
    case refused(refusal: Refusal)
    /// The configured backend's program is not on this host.
    case backendMissing(backend: FirewallBackend, program: String)
    case commandFailed(command: String, status: String, diagnostics: String)
    case timedOut(command: String, seconds: Int)
    /// Another program held the xtables lock all the time; says nothing about what is installed.
    case lockTimeout(command: String, diagnostics: String)
    /// A program's answer cannot be interpreted; says nothing about what is installed.
    case unreadable(source: String, detail: String)
    /// The change was made without an error, and yet the kernel holds something else.
    case readbackDiffers(desired: Wall?, found: InstalledRules)
}

extension FirewallError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .refused(let refusal): refusal.description
        case .backendMissing(let backend, let program):
            "\(program) is not in \(PacketTools.directories.joined(separator: ", ")): install it, or set "
                + "another firewall backend than \(backend.rawValue) in the agent's configuration"
        case .commandFailed(let command, let status, let diagnostics):
            "'\(command)' ended with \(status): \(diagnostics.isEmpty ? "no message" : diagnostics); "
                + "look at the installed rules before trying again"
        case .timedOut(let command, let seconds):
            "'\(command)' was stopped after \(seconds) s; look at the installed rules before trying again"
        case .lockTimeout(let command, let diagnostics):
            "'\(command)' gave up waiting for the xtables lock (\(diagnostics)); find its holder with "
                + "'fuser /run/xtables.lock', then try again"
        case .unreadable(let source, let detail):
            "the answer of '\(source)' cannot be read: \(detail)"
        case .readbackDiffers(let desired, let found):
            "the kernel does not hold what was asked for, something else changes the rules; asked for: "
                + "\(desired?.summary ?? "no rules"); found: \(found.wall?.summary ?? "no intact wall"), "
                + "\(found.count) rules\n\(found.listing)"
        }
    }
}

extension Wall {
    /// One line for messages.
    fileprivate var summary: String {
        let addresses = peers.map(\.description).joined(separator: ", ")
        switch scope {
        case .allTCP: return "all TCP with \(addresses)"
        case .ports(let numbers):
            return "ports \(numbers.map(\.description).joined(separator: ", ")) with \(addresses)"
        }
    }
}
