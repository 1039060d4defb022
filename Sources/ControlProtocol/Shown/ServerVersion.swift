import Printable

/// The version that a ZooKeeper server says it has: digits first, then letters, digits, dots and hyphens, 32 at most.
///
/// `3.5.4-beta`, `3.4.6.2.6.5.0`.
package struct ServerVersion: Hashable, Sendable, CustomStringConvertible {
    package let description: String

    package init?(_ text: String) {
        let isDigit = { (byte: UInt8) in (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
        let isLetter = { (byte: UInt8) in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
        }
        guard text.utf8.count <= 32, let first = text.utf8.first, isDigit(first),
            text.utf8.allSatisfy({
                isDigit($0) || isLetter($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-")
            })
        else { return nil }
        description = text
    }

    package init(_ major: UInt8, _ minor: UInt8, _ patch: UInt8) {
        description = "\(major).\(minor).\(patch)"
    }
}

extension ServerVersion: Codable {
    package init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let version = ServerVersion(text) else {
            throw DecodingError.dataCorrupted(
                .init(
                    codingPath: decoder.codingPath,
                    debugDescription: "'\(PrintableText(text, limit: 100))' is no version of ZooKeeper"
                )
            )
        }
        self = version
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
