import Printable
import Topology

/// One line of the live view: pieces with a style each, which is drawn in one place (`LiveFrame`).
///
/// A style only adds to what the words say: the same lines without any are the whole view.
package struct LiveLine: Hashable, Sendable {
    package enum Style: Hashable, Sendable, CaseIterable {
        case plain
        case strong
        case faint
        case good
        case bad
    }

    package struct Piece: Hashable, Sendable {
        package let text: String
        package let style: Style
    }

    package private(set) var pieces: [Piece] = []

    package init(_ text: String = "", _ style: Style = .plain) { append(text, style) }

    /// Foreign letters are escaped: a character is a column then.
    package mutating func append(_ text: String, _ style: Style = .plain) {
        guard !text.isEmpty else { return }
        pieces.append(Piece(text: PrintableText(ascii: text, limit: 1000).description, style: style))
    }

    package var text: String { pieces.map(\.text).joined() }
    package var width: Int { pieces.reduce(0) { $0 + $1.text.count } }

    /// What is beyond the width is left out, and its place told by `~`.
    package func cut(to width: Int) -> LiveLine {
        guard self.width > width else { return self }
        var (line, room) = (LiveLine(), max(0, width - 1))
        for piece in pieces where room > 0 {
            line.append(String(piece.text.prefix(room)), piece.style)
            room -= min(room, piece.text.count)
        }
        if width > 0 { line.append("~") }
        return line
    }

    /// With `right` at the end of so many columns, as far as there is room for it.
    func with(_ right: String, atEndOf width: Int) -> LiveLine {
        let gap = width - self.width - right.count
        guard gap > 0 else { return self }
        var line = self
        line.append(String(repeating: " ", count: gap) + right)
        return line
    }
}

/// Times as the live view shows them.
enum LiveTime {
    /// Minutes and seconds, `0:07`, with hours where there are any, `1:02:03`.
    static func clock(_ milliseconds: Int64) -> String {
        let seconds = max(0, milliseconds) / 1000
        let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60)
        guard hours > 0 else { return "\(minutes):\(two(rest))" }
        return "\(hours):\(two(minutes)):\(two(rest))"
    }

    /// Seconds, for instance `1.4 s`.
    static func tenths(_ milliseconds: Int64) -> String {
        let tenths = max(0, milliseconds).plus(saturating: 50) / 100
        return "\(tenths / 10).\(tenths % 10) s"
    }

    private static func two(_ number: Int64) -> String { (number < 10 ? "0" : "") + "\(number)" }
}
