#if canImport(Glibc)
    private import Glibc
#elseif canImport(Musl)
    private import Musl
#endif

/// An IPv4 or IPv6 address in the canonical text that `inet_ntop` gives.
///
/// Names never become one: rules and probes are built from addresses alone.
package struct IPAddress: Hashable, Sendable, Comparable, CustomStringConvertible {
    package enum Family: String, Sendable, Hashable, Codable {
        case ipv4
        case ipv6
    }

    package let family: Family
    package let description: String
    /// Network order, 4 or 16 bytes.
    package let bytes: [UInt8]

    /// Nil when `text` is not an address literal (a host name, a CIDR block, an IPv6 zone).
    package init?(_ text: String) {
        if let bytes = Self.parse(text, AF_INET, 4) {
            self.init(family: .ipv4, bytes: bytes)
        } else if let bytes = Self.parse(text, AF_INET6, 16) {
            self.init(family: .ipv6, bytes: bytes)
        } else {
            return nil
        }
    }

    /// Nil when there are not 4 or 16 bytes.
    package init?(bytes: [UInt8]) {
        switch bytes.count {
        case 4: self.init(family: .ipv4, bytes: bytes)
        case 16: self.init(family: .ipv6, bytes: bytes)
        default: return nil
        }
    }

    private init(family: Family, bytes: [UInt8]) {
        self.family = family
        self.bytes = bytes
        description = Self.format(bytes, family == .ipv4 ? AF_INET : AF_INET6)
    }

    package static func < (left: IPAddress, right: IPAddress) -> Bool {
        left.family == right.family
            ? left.bytes.lexicographicallyPrecedes(right.bytes) : left.family == .ipv4
    }

    private static func parse(_ text: String, _ family: Int32, _ count: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        return inet_pton(family, text, &bytes) == 1 ? bytes : nil
    }

    private static func format(_ bytes: [UInt8], _ family: Int32) -> String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        guard inet_ntop(family, bytes, &text, socklen_t(text.count)) != nil else { return "" }
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}

extension IPAddress: Codable {
    package init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let address = IPAddress(text) else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "'\(text)' is not an IP address")
            )
        }
        self = address
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
