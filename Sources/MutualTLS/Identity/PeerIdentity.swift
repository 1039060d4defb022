/// A name inside a trust domain: 1 to 63 of `a-z 0-9 . -`, starting and ending with a letter or digit.
package struct PeerName: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let description: String

    /// Nil for any other text; nothing is folded or trimmed.
    package init?(_ text: String) {
        guard PeerName.allows(text, upTo: 63) else { return nil }
        description = text
    }

    package static func < (left: PeerName, right: PeerName) -> Bool { left.description < right.description }

    package static func allows(_ text: String, upTo maximum: Int) -> Bool {
        let bytes = text.utf8
        guard let first = bytes.first, let last = bytes.last, bytes.count <= maximum else { return false }
        return isAlphanumeric(first) && isAlphanumeric(last)
            && bytes.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".") }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
            || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}

/// The authority half of every identity's URI: all certificates of one installation share it.
package struct TrustDomain: Hashable, Sendable, CustomStringConvertible {
    package let description: String

    /// Nil for anything but 1 to 63 of `a-z 0-9 . -`.
    package init?(_ text: String) {
        guard PeerName.allows(text, upTo: 63) else { return nil }
        description = text
    }

    /// What the authority's own certificate carries.
    package var uri: String { "spiffe://\(description)" }

    package init?(uri: String) {
        guard uri.hasPrefix("spiffe://") else { return nil }
        self.init(String(uri.dropFirst("spiffe://".count)))
    }
}

/// Who stands at the other end, as the one URI of its certificate says.
package enum PeerIdentity: Hashable, Sendable {
    case coordinator(PeerName)
    case agent(PeerName)
    case viewer(PeerName)

    /// What an identity may do; the second to last part of its URI.
    package enum Kind: String, Hashable, Sendable, CaseIterable {
        case coordinator
        case agent
        case viewer
    }

    package init(_ kind: Kind, _ name: PeerName) {
        switch kind {
        case .coordinator: self = .coordinator(name)
        case .agent: self = .agent(name)
        case .viewer: self = .viewer(name)
        }
    }

    /// Reads `kind/name`, for instance `agent/s1`.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let kind = Kind(rawValue: String(parts[0])),
            let name = PeerName(String(parts[1]))
        else { return nil }
        self.init(kind, name)
    }

    package var kind: Kind {
        switch self {
        case .coordinator: .coordinator
        case .agent: .agent
        case .viewer: .viewer
        }
    }

    package var name: PeerName {
        switch self {
        case .coordinator(let name), .agent(let name), .viewer(let name): name
        }
    }

    package func uri(in domain: TrustDomain) -> String { "\(domain.uri)/\(self)" }
}

extension PeerIdentity: CustomStringConvertible {
    package var description: String { "\(kind.rawValue)/\(name)" }
}

/// An identity together with the trust domain that its certificate claims.
struct ClaimedIdentity: Hashable, Sendable {
    let domain: TrustDomain
    let identity: PeerIdentity

    /// Nil unless the text is exactly `spiffe://DOMAIN/KIND/NAME`.
    package init?(uri: String) {
        guard uri.hasPrefix("spiffe://") else { return nil }
        let rest = uri.dropFirst("spiffe://".count)
        guard let slash = rest.firstIndex(of: "/"), let domain = TrustDomain(String(rest[..<slash])),
            let identity = PeerIdentity(String(rest[rest.index(after: slash)...]))
        else { return nil }
        self.domain = domain
        self.identity = identity
    }
}
