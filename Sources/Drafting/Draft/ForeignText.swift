import Printable

/// Texts of files and hosts on their way into a plan.
enum ForeignText {
    private static let longest = 1000

    /// Whether it reads back as it was, and looks like what it is.
    static func canStand(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= longest && shown(text) == text
    }

    /// On one line, for a comment or a question.
    static func shown(_ text: String) -> String { PrintableText(text, limit: longest).description }

    /// A scalar of YAML that is read as this very text, also inside brackets and braces.
    static func scalar(_ text: String) -> String {
        isPlain(text) ? text : quoted(text)
    }

    static func quoted(_ text: String) -> String {
        "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }

    private static func isPlain(_ text: String) -> Bool {
        guard let first = text.utf8.first, isWord(first) || first == UInt8(ascii: "/"),
            !["null", "true", "false", "yes", "no", "on", "off"].contains(text.lowercased())
        else { return false }
        return text.utf8.allSatisfy { isWord($0) || "./-_".utf8.contains($0) }
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }
}
