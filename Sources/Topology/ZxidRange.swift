/// Transactions of one epoch from a first to a last, both included.
package struct ZxidRange: Hashable, Sendable, Codable, CustomStringConvertible {
    package let first: Zxid
    package let last: Zxid

    /// `last` is not below `first`.
    package init(_ first: Zxid, through last: Zxid) {
        self.first = first
        self.last = last
    }

    package var description: String { first == last ? first.description : "\(first) to \(last)" }

    package func contains(_ zxid: Zxid) -> Bool { first <= zxid && zxid <= last }
}
