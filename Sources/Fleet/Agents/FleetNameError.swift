package import ControlProtocol

/// What a file says of certificates, and cannot be.
package enum FleetNameError: Error, Hashable, Sendable {
    case trustDomain(file: String, text: String)
    case host(file: String, line: Int, host: HostName)
    case noAuthority(file: String, directory: String)
}

extension FleetNameError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .trustDomain(let file, let text): "\(file): '\(text)' is not a trust domain"
        case .host(let file, let line, let host): "\(file):\(line): '\(host)' cannot stand in a certificate"
        case .noAuthority(let file, let directory):
            "\(file): there is no certificate authority in \(directory) (pki.directory): make one with "
                + "`mitosis pki init --directory \(directory)`, or copy the one that the agents know there"
        }
    }
}
