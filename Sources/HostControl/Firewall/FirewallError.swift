package import ControlProtocol
import Printable
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
    /// The host's rules could not be kept before a change; nothing was changed.
    case notSaved(path: String, reason: String)
    /// The change was made without an error, and yet the kernel holds something else.
    case readbackDiffers(desired: Wall?, closed: ClosedPorts? = nil, found: InstalledRules)
}

extension FirewallError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .refused(let refusal): refusal.description
        case .backendMissing(let backend, let program):
            "\(program) is not in \(PacketTools.directories.joined(separator: ", ")): install it, or set "
                + "another firewall backend than \(backend.rawValue) in the agent's configuration"
        case .commandFailed(let command, let status, let diagnostics):
            "'\(command)' ended with \(status): \(diagnostics.isEmpty ? "no message" : Self.shown(diagnostics)); "
                + "look at the installed rules before trying again"
        case .timedOut(let command, let seconds):
            "'\(command)' was stopped after \(seconds) s; look at the installed rules before trying again"
        case .lockTimeout(let command, let diagnostics):
            "'\(command)' gave up waiting for the xtables lock (\(Self.shown(diagnostics))); find its holder with "
                + "'fuser /run/xtables.lock', then try again"
        case .unreadable(let source, let detail):
            "the answer of '\(source)' cannot be read: \(Self.shown(detail))"
        case .notSaved(let path, let reason):
            "the host's rules cannot be saved, so none was removed: \(path): \(reason); make room or mend the "
                + "agent's state directory, then try again"
        case .readbackDiffers(let wall, let closed, let found):
            "the kernel does not hold what was asked for, something else changes the rules; asked for: "
                + "\(RuleSet(wall: wall, closed: closed).summary); found: \(found.summary), "
                + "\(found.count) rules\n\(found.listing)"
        }
    }

    private static func shown(_ text: String) -> String { PrintableText(text, limit: 2000).description }
}

extension InstalledRules {
    /// One line for messages.
    package var summary: String {
        guard wall != nil || closed != nil else { return "no intact wall" }
        return RuleSet(wall: wall, closed: closed).summary
    }
}
