/// A text that stands for many: `zk[1-3].example`, `zk[001-120,130]`, `198.51.100.[11-13]`.
///
/// Numbers in brackets count up; the zeros before the first are kept. Several brackets give every combination, the last
/// one running fastest.
package struct HostRange: Hashable, Sendable {
    /// Texts that one range may stand for.
    package static let limit = 10_000

    package enum Fault: Error, Hashable, Sendable, CustomStringConvertible {
        case unclosed
        case empty
        case notNumbers(String)
        case descending(String)
        case tooMany

        package var description: String {
            switch self {
            case .unclosed: "has a bracket without its other half. Write for instance zk[1-3]."
            case .empty: "has brackets with nothing in them. Write for instance zk[1-3]."
            case .notNumbers(let part):
                "has '\(part)' in brackets, which is no number and no range of numbers. Write for instance zk[1-3,7]."
            case .descending(let part):
                "has '\(part)' in brackets, which counts down. Write the smaller number first."
            case .tooMany: "stands for more than \(HostRange.limit) hosts. Write several ranges."
            }
        }
    }

    /// At least one, in counting order.
    package let texts: [String]

    package init(_ text: String) throws(Fault) {
        var texts = [""]
        var rest = Substring(text)
        while let open = rest.firstIndex(where: { $0 == "[" || $0 == "]" }) {
            guard rest[open] == "[", let close = rest[open...].firstIndex(of: "]") else { throw .unclosed }
            let inside = rest[rest.index(after: open)..<close]
            guard !inside.contains("[") else { throw .unclosed }
            let before = rest[..<open]
            let numbers = try Self.numbers(inside)
            guard texts.count * numbers.count <= Self.limit else { throw .tooMany }
            texts = texts.flatMap { start in numbers.map { start + before + $0 } }
            rest = rest[rest.index(after: close)...]
        }
        self.texts = texts.map { $0 + rest }
    }

    private static func numbers(_ text: Substring) throws(Fault) -> [String] {
        var numbers: [String] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard !part.isEmpty else { throw .empty }
            let ends = part.split(separator: "-", omittingEmptySubsequences: false)
            guard ends.count <= 2, let first = ends.first, let last = ends.last, let low = number(first),
                let high = number(last)
            else { throw .notNumbers(String(part)) }
            guard low <= high else { throw .descending(String(part)) }
            guard numbers.count + (high - low) < limit else { throw .tooMany }
            let width = first.hasPrefix("0") ? first.utf8.count : 0
            for number in low...high {
                let digits = String(number)
                numbers.append(String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits)
            }
        }
        return numbers
    }

    private static func number(_ text: Substring) -> Int? {
        guard (1...9).contains(text.utf8.count),
            text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        else { return nil }
        return Int(text)
    }
}
