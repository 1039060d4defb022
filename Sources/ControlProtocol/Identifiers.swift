/// A host as its agent's certificate names it: 1 to 63 of `a-z 0-9 . -`, starting and ending with a
/// letter or digit.
package struct HostName: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let description: String

    /// Nil for any other text; nothing is folded or trimmed.
    package init?(_ text: String) {
        guard Identifier.isValid(text, extra: ".-", maximum: 63) else { return nil }
        description = text
    }

    package static func < (left: HostName, right: HostName) -> Bool { left.description < right.description }
}

/// Names one run of the procedure, for instance `20261122-231500-kafka-a`.
package struct RunID: Hashable, Sendable, CustomStringConvertible {
    package let description: String

    package init?(_ text: String) {
        guard Identifier.isValid(text, extra: ".-", maximum: 100) else { return nil }
        description = text
    }
}

/// Names one command of one run.
///
/// A repeated id gets the stored outcome; it never acts twice.
package struct CommandID: Hashable, Sendable, CustomStringConvertible {
    package let description: String

    package init?(_ text: String) {
        guard Identifier.isValid(text, extra: ".-", maximum: 200) else { return nil }
        description = text
    }
}

/// Orders coordinators: an agent refuses every command under an epoch lower than the highest it has granted.
package struct FencingEpoch: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let value: UInt64

    package init(_ value: UInt64) { self.value = value }

    /// Every program's JSON can hold it, and no runs ever come near it.
    package static let highest = FencingEpoch(1 << 53 - 1)

    /// How far above the highest that it has granted an agent takes another one: a host may have missed many runs, which
    /// raise it by one each, but not this many.
    package static let reach: UInt64 = 1_000_000

    /// Nil at the highest.
    package var successor: FencingEpoch? { self < .highest ? FencingEpoch(value + 1) : nil }

    package func isBeyondReach(of other: FencingEpoch) -> Bool {
        self > other && value - other.value > Self.reach
    }

    package var description: String { String(value) }

    package static func < (left: FencingEpoch, right: FencingEpoch) -> Bool { left.value < right.value }
}

enum Identifier {
    static func isValid(_ text: String, extra: String, maximum: Int) -> Bool {
        let alphanumeric = { (byte: UInt8) in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        }
        guard let first = text.utf8.first, let last = text.utf8.last, text.utf8.count <= maximum,
            alphanumeric(first), alphanumeric(last)
        else { return false }
        return text.utf8.allSatisfy { alphanumeric($0) || extra.utf8.contains($0) }
    }
}

/// Identifiers travel as plain JSON strings and are parsed again on arrival.
package protocol WireIdentifier: Codable, CustomStringConvertible {
    init?(_ text: String)
}

extension WireIdentifier {
    package init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let value = Self(text) else {
            throw DecodingError.dataCorrupted(
                .init(
                    codingPath: decoder.codingPath,
                    debugDescription: "'\(text)' is not a valid \(Self.self)"
                )
            )
        }
        self = value
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

extension HostName: WireIdentifier {}
extension RunID: WireIdentifier {}
extension CommandID: WireIdentifier {}

extension FencingEpoch: Codable {
    package init(from decoder: any Decoder) throws {
        value = try decoder.singleValueContainer().decode(UInt64.self)
        guard self <= .highest else {
            throw DecodingError.dataCorrupted(
                .init(
                    codingPath: decoder.codingPath,
                    debugDescription: "a fencing epoch is 0 to \(Self.highest), not \(value)"
                )
            )
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(value)
    }
}
