package import ControlProtocol

/// Which hosts are meant: what `--limit` takes, and a group's `hosts`.
///
/// Parts with commas between them: the name of a host or of a group, a glob (`zk*`, `zk?`), a range (`zk[1-3]`); with `!`
/// before it, all of that are left out. Commas within brackets belong to the range. Only what is left out leaves
/// everything else in.
package struct HostPattern: Hashable, Sendable {
    package enum Fault: Error, Hashable, Sendable, CustomStringConvertible {
        case empty
        case range(part: String, HostRange.Fault)
        case matchesNothing(part: String, nearest: String?)
        case nothingLeft

        package var description: String {
            switch self {
            case .empty: "names no host. Write hosts, groups, globs or ranges, with commas between them."
            case .range(let part, let fault): "'\(part)' \(fault)"
            case .matchesNothing(let part, let nearest):
                "'\(part)' is no host and no group, and matches none. "
                    + (nearest.map { "Did you mean '\($0)'?" }
                        ?? "Correct it, or add the host to the inventory.")
            case .nothingLeft: "leaves no host: everything is left out again. Correct it."
            }
        }
    }

    private struct Part: Hashable, Sendable {
        let text: String
        let leavesOut: Bool
        let globs: [String]
    }

    private let parts: [Part]

    package init(_ text: String) throws(Fault) {
        var parts: [Part] = []
        for word in Self.words(text) {
            let leavesOut = word.hasPrefix("!")
            let name = leavesOut ? String(word.dropFirst()) : word
            guard !name.isEmpty else { throw .empty }
            do throws(HostRange.Fault) {
                parts.append(Part(text: name, leavesOut: leavesOut, globs: try HostRange(name).texts))
            } catch {
                throw .range(part: name, error)
            }
        }
        guard !parts.isEmpty else { throw .empty }
        self.parts = parts
    }

    /// The hosts of the inventory that are meant; every part must match at least one.
    package func hosts(of inventory: Inventory) throws(Fault) -> Set<HostName> {
        try hosts(among: inventory.hosts.map(\.host), groups: inventory.groups)
    }

    func hosts(among all: [HostName], groups: [HostGroup]) throws(Fault) -> Set<HostName> {
        var chosen = Set(parts.allSatisfy(\.leavesOut) ? all : [])
        var leftOut: Set<HostName> = []
        for part in parts {
            let matches = try matches(part, among: all, groups: groups)
            if part.leavesOut { leftOut.formUnion(matches) } else { chosen.formUnion(matches) }
        }
        chosen.subtract(leftOut)
        guard !chosen.isEmpty else { throw .nothingLeft }
        return chosen
    }

    /// In a range every name must be there: one that is missing was mistyped.
    private func matches(_ part: Part, among all: [HostName], groups: [HostGroup]) throws(Fault) -> [HostName]
    {
        var found: [HostName] = []
        for glob in part.globs {
            let pattern = Glob(glob)
            var matching = all.filter { pattern.matches($0.description) }
            matching += groups.filter { pattern.matches($0.name) }.flatMap(\.hosts)
            guard !matching.isEmpty else {
                let known = all.map(\.description) + groups.map(\.name)
                throw .matchesNothing(part: glob, nearest: NearestName.of(glob, in: known))
            }
            found += matching
        }
        return found
    }

    private static func words(_ text: String) -> [String] {
        var words: [String] = []
        var word = ""
        var depth = 0
        for character in text {
            switch character {
            case "[": depth += 1
            case "]": depth -= 1
            case ",", " ":
                if depth <= 0 {
                    words.append(word)
                    word = ""
                    continue
                }
            case _: break
            }
            word.append(character)
        }
        words.append(word)
        return words.filter { !$0.isEmpty }
    }
}

/// A shell's pattern with `*` and `?`; nothing else in it has a meaning.
struct Glob {
    private let pattern: [UInt8]

    init(_ text: String) { pattern = Array(text.utf8) }

    /// In time that grows with the product of both lengths, whatever the pattern.
    func matches(_ text: String) -> Bool {
        var reached = [true] + [Bool](repeating: false, count: text.utf8.count)
        for byte in pattern {
            if byte == UInt8(ascii: "*") {
                for index in reached.indices.dropFirst() where reached[index - 1] { reached[index] = true }
                continue
            }
            var next = [Bool](repeating: false, count: reached.count)
            for (index, letter) in text.utf8.enumerated() where reached[index] {
                next[index + 1] = byte == UInt8(ascii: "?") || byte == letter
            }
            reached = next
        }
        return reached.last ?? false
    }
}
