package import FoundationEssentials

/// The newest line of an audit trail: with it somewhere else, nobody can cut the trail's end off unseen.
package struct AuditHead: Hashable, Sendable, Codable, CustomStringConvertible {
    package let number: UInt64
    /// SHA-256 of the line without its newline, in lower-case hexadecimal.
    package let hash: String

    /// What the first line of all follows.
    package static let beginning = AuditHead(number: 0, hash: String(repeating: "0", count: 64))

    package init(number: UInt64, hash: String) {
        self.number = number
        self.hash = hash
    }

    package init(of line: Data, number: UInt64) {
        self.init(number: number, hash: ContentDigest.sha256(line))
    }

    /// As logs and `mitosis audit` write it: `17:` and the hash, of which a beginning of 8 characters will do.
    package init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let number = UInt64(parts[0]), (8...64).contains(parts[1].count) else {
            return nil
        }
        self.init(number: number, hash: String(parts[1]))
    }

    package var description: String { "\(number):\(hash)" }

    package func matches(_ other: AuditHead) -> Bool {
        number == other.number && (hash.hasPrefix(other.hash) || other.hash.hasPrefix(hash))
    }
}
