package import ControlProtocol
package import Settings

/// What keeps agents from being installed, configured or removed, before any host is contacted.
package enum ProvisioningError: Error, Hashable, Sendable {
    case noAgentProgram(looked: [String])
    case noUnit(looked: [String])
    case unreadable(path: String, reason: String)
    case limit(HostPattern.Fault)
    case authority(reason: String)
    case host(file: String, line: Int, host: HostName)
}

extension ProvisioningError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .noAgentProgram(let looked):
            "there is no mitosis-agent to install (looked for \(looked.joined(separator: ", "))); name it with --agent FILE"
        case .noUnit(let looked):
            "there is no mitosis-agent.service to install (looked for \(looked.joined(separator: ", "))); name it with --unit FILE"
        case .unreadable(let path, let reason): "\(path) cannot be read: \(reason)"
        case .limit(let fault): "--limit \(fault)"
        case .authority(let reason): reason
        case .host(let file, let line, let host):
            "\(file):\(line): '\(host)' cannot stand in a certificate; rename it"
        }
    }
}
