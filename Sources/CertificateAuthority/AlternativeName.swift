internal import Glibc
import MutualTLS

/// A name or address under which clients such as curl reach an agent.
package enum AlternativeName: Hashable, Sendable {
    case dns(String)
    case address(String)

    /// Nil for wildcards, upper case and anything else that is neither an address nor a host name.
    package init?(_ text: String) {
        if AlternativeName.isAddress(text) {
            self = .address(text)
        } else if PeerName.allows(text, upTo: 253), !AlternativeName.looksNumeric(text) {
            self = .dns(text)
        } else {
            return nil
        }
    }

    /// As openssl(1) writes it in a configuration.
    var configured: String {
        switch self {
        case .dns(let name): "DNS:\(name)"
        case .address(let address): "IP:\(address)"
        }
    }

    private static func isAddress(_ text: String) -> Bool {
        var space = in6_addr()
        return inet_pton(AF_INET, text, &space) == 1 || inet_pton(AF_INET6, text, &space) == 1
    }

    /// `10.0.0.300` is a mistyped address, not a name.
    private static func looksNumeric(_ text: String) -> Bool {
        text.split(separator: ".").last.map { $0.allSatisfy(\.isNumber) } ?? true
    }
}
