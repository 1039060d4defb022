package import FoundationEssentials

/// Goes along a trail, oldest line first, and sees that each line follows the one before.
///
/// Shown: a line that was changed, removed, put in or moved. Not shown by the lines alone: that the oldest files are gone
/// (they are, in time, but nothing says that nobody helped), and that the newest lines are; for these there is `AuditHead`.
package struct AuditWalk: Sendable {
    package enum Step: Hashable, Sendable {
        case follows(entry: AuditEntry)
        /// A version before chains wrote it.
        case unchained(entry: AuditEntry)
        /// What comes after it cannot be believed.
        case broken(reason: String)
    }

    /// Nil before the first line.
    package private(set) var first: UInt64?
    package private(set) var head: AuditHead?
    package private(set) var unchained = 0
    private var last: AuditHead?

    package init() {}

    package mutating func take(_ line: Data) -> Step {
        let entry: AuditEntry
        do throws(WireProblem) {
            entry = try WireJSON.decode(AuditEntry.self, from: line)
        } catch {
            switch error {
            case .malformed: return .broken(reason: "it is no line of an audit trail")
            case .beyond(let field): return .broken(reason: "it says what cannot be: \(field)")
            }
        }
        guard let number = entry.number, let previous = entry.previous else {
            guard head == nil else { return .broken(reason: "it bears no number, unlike the line before it") }
            unchained += 1
            last = AuditHead(of: line, number: 0)
            return .unchained(entry: entry)
        }
        if let expected = head ?? last ?? (number <= 1 ? .beginning : nil) {
            guard number > 0, number - 1 == expected.number else {
                return .broken(reason: "it is number \(number), and should be \(expected.number &+ 1)")
            }
            guard previous == expected.hash else {
                return .broken(reason: "it does not follow the line before it: one of the two was changed")
            }
        }
        if first == nil { first = number }
        head = AuditHead(of: line, number: number)
        return .follows(entry: entry)
    }
}
