package import ControlProtocol

/// A name of the plan's that no certificate can bear.
package enum FleetNameError: Error, Hashable, Sendable {
    case trustDomain(file: String, text: String)
    case host(file: String, line: Int, host: HostName)
}

extension FleetNameError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .trustDomain(let file, let text): "\(file): '\(text)' is not a trust domain"
        case .host(let file, let line, let host): "\(file):\(line): '\(host)' cannot stand in a certificate"
        }
    }
}
