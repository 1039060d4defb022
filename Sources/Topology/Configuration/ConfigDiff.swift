import Printable

/// Shows a rewrite of a file the way `diff -u` does, but for values that look like secrets.
package enum ConfigDiff {
    /// A unified diff with three lines of context; empty when nothing differs.
    ///
    /// Every line is made printable. Bytes that are not UTF-8 are shown as ISO 8859-1, which is how ZooKeeper reads them.
    package static func unified(
        old: some Collection<UInt8>,
        new: some Collection<UInt8>,
        path: String
    ) -> String {
        guard !old.elementsEqual(new) else { return "" }
        var text = "--- \(path)\n+++ \(path)\n"
        for hunk in hunks(script(shown(Array(old)), shown(Array(new)))) { text += hunk.text }
        return text
    }

    private static let context = 3

    /// Compared by its bytes, whatever is shown of them.
    private struct Line: Hashable {
        let bytes: [UInt8]
        let hidden: String?

        static func == (left: Line, right: Line) -> Bool { left.bytes == right.bytes }
        func hash(into hasher: inout Hasher) { hasher.combine(bytes) }

        /// Without its end.
        var text: String {
            if let hidden { return PrintableText(hidden, limit: .max).description }
            var content = bytes[...]
            if content.last == 10 { content.removeLast() }
            return PrintableText(ConfigDiff.decoded(Array(content)), limit: .max).description
        }
    }

    private enum Edit {
        case keep(Line)
        case remove(Line)
        case add(Line)

        var isChange: Bool { !isInOld || !isInNew }

        var isInOld: Bool {
            switch self {
            case .keep, .remove: true
            case .add: false
            }
        }

        var isInNew: Bool {
            switch self {
            case .keep, .add: true
            case .remove: false
            }
        }

        var text: String {
            let (mark, line) =
                switch self {
                case .keep(let line): (" ", line)
                case .remove(let line): ("-", line)
                case .add(let line): ("+", line)
                }
            return mark + line.text + (line.bytes.last == 10 ? "\n" : "\n\\ No newline at end of file\n")
        }
    }

    private struct Hunk {
        let oldStart: Int
        let newStart: Int
        let edits: ArraySlice<Edit>

        var text: String {
            let old = edits.count(where: \.isInOld)
            let new = edits.count(where: \.isInNew)
            let header = "@@ -\(Self.range(oldStart, old)) +\(Self.range(newStart, new)) @@\n"
            return header + edits.map(\.text).joined()
        }

        /// `start` counts the lines before the hunk; an empty range names the line before it.
        private static func range(_ start: Int, _ count: Int) -> String {
            switch count {
            case 0: "\(start),0"
            case 1: "\(start + 1)"
            default: "\(start + 1),\(count)"
            }
        }
    }

    /// With their line feeds.
    private static func lines(_ bytes: [UInt8]) -> [[UInt8]] {
        var lines: [[UInt8]] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let end = rest.firstIndex(of: 10).map { $0 + 1 } ?? rest.endIndex
            lines.append(Array(rest[..<end]))
            rest = rest[end...]
        }
        return lines
    }

    private static func shown(_ bytes: [UInt8]) -> [Line] {
        let hidden = HiddenSettings(bytes)
        return lines(bytes).enumerated().map { Line(bytes: $1, hidden: hidden[$0]) }
    }

    private static func script(_ old: [Line], _ new: [Line]) -> [Edit] {
        let difference = new.difference(from: old)
        var removed: Set<Int> = []
        var inserted: Set<Int> = []
        for change in difference {
            switch change {
            case .remove(let offset, _, _): removed.insert(offset)
            case .insert(let offset, _, _): inserted.insert(offset)
            }
        }
        var edits: [Edit] = []
        var (i, j) = (0, 0)
        while i < old.count || j < new.count {
            if i < old.count, removed.contains(i) {
                edits.append(.remove(old[i]))
                i += 1
            } else if j < new.count, inserted.contains(j) {
                edits.append(.add(new[j]))
                j += 1
            } else {
                edits.append(.keep(old[i]))
                i += 1
                j += 1
            }
        }
        return edits
    }

    private static func hunks(_ edits: [Edit]) -> [Hunk] {
        var ranges: [Range<Int>] = []
        for index in edits.indices where edits[index].isChange {
            let range = max(0, index - context)..<min(edits.count, index + context + 1)
            if let last = ranges.last, last.upperBound >= range.lowerBound {
                ranges[ranges.count - 1] = last.lowerBound..<range.upperBound
            } else {
                ranges.append(range)
            }
        }
        return ranges.map { range in
            let before = edits[..<range.lowerBound]
            return Hunk(
                oldStart: before.count(where: \.isInOld),
                newStart: before.count(where: \.isInNew),
                edits: edits[range]
            )
        }
    }

    private static func decoded(_ line: [UInt8]) -> String {
        String(validating: line, as: UTF8.self)
            ?? String(decoding: line.map { UInt16($0) }, as: UTF16.self)
    }
}
