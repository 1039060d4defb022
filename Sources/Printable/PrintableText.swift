/// Text from outside, fit for a terminal, a log and a record: nothing in it moves a cursor, turns the direction of writing
/// or cannot be seen.
///
/// Controls, what only formats (overrides and isolates of direction, characters without width), other separators of lines
/// and paragraphs, what is private or not assigned, and what stands for bytes that were no UTF-8 are written as `\u{1B}`.
/// Letters of every script stay. Idempotent.
package struct PrintableText: Hashable, Sendable, CustomStringConvertible {
    /// Characters on one line: more than any message of ours has.
    package static let usualLimit = 4000
    /// Signs above or below one letter: no script needs more, and a heap of them hides its neighbours.
    private static let mostMarks = 4

    package let description: String

    /// On one line: line feeds and tabs are escaped, too.
    ///
    /// What is beyond `limit` characters is cut, and how much that was is told.
    package init(_ text: some StringProtocol, limit: Int = PrintableText.usualLimit) {
        description = Self.escaped(String(text), keepsLines: false, limit: limit)
    }

    /// The same for what only has characters of ASCII, such as a certificate's URI: others are letters that look like them.
    package init(ascii text: some StringProtocol, limit: Int = PrintableText.usualLimit) {
        let plain = text.unicodeScalars.map { $0.isASCII ? String($0) : Self.escape($0) }
        self.init(plain.joined(), limit: limit)
    }

    /// Line by line: line feeds stay, and tabs that indent a line become four spaces each.
    package init(lines text: some StringProtocol, limit: Int = .max) {
        description = Self.escaped(String(text), keepsLines: true, limit: limit)
    }

    /// The same JSON, its texts unchanged for a program that reads them, with what is not printable escaped as JSON does.
    package static func json(_ text: String) -> String {
        if text.utf8.allSatisfy({ isPlain($0) || $0 == lineFeed }) { return text }
        var result = ""
        var marks = 0
        for scalar in text.unicodeScalars {
            marks = isMark(scalar) ? marks + 1 : 0
            if scalar == "\n" || (isShown(scalar) && marks <= mostMarks) {
                result.unicodeScalars.append(scalar)
                continue
            }
            for unit in String(scalar).utf16 {
                let digits = String(unit, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            }
        }
        return result
    }

    private static let lineFeed = UInt8(ascii: "\n")

    private static func isPlain(_ byte: UInt8) -> Bool { (0x20...0x7E).contains(byte) }

    private static func escaped(_ text: String, keepsLines: Bool, limit: Int) -> String {
        if text.utf8.count <= limit,
            text.utf8.allSatisfy({ isPlain($0) || (keepsLines && $0 == lineFeed) })
        {
            return text
        }
        var result = ""
        var (count, marks, isIndent) = (0, mostMarks, keepsLines)
        for scalar in text.unicodeScalars {
            guard count < limit else {
                return result + " [and \(text.unicodeScalars.count - limit) more characters]"
            }
            count += 1
            marks = isMark(scalar) ? marks + 1 : 0
            switch scalar {
            case "\n" where keepsLines: result += "\n"
            case "\t" where isIndent: result += "    "
            case _ where isShown(scalar) && marks <= mostMarks: result.unicodeScalars.append(scalar)
            case _: result += escape(scalar)
            }
            isIndent = keepsLines && (scalar == "\n" || (isIndent && scalar == "\t"))
            // A sign at the beginning would stand on what we put before it.
            if scalar == "\n" { marks = mostMarks }
        }
        return result
    }

    private static func escape(_ scalar: Unicode.Scalar) -> String {
        switch scalar {
        case "\n": "\\n"
        case "\r": "\\r"
        case "\t": "\\t"
        case _: "\\u{" + String(scalar.value, radix: 16, uppercase: true) + "}"
        }
    }

    private static func isShown(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x20...0x7E: return true
        case 0..<0xA0, 0xFFFC, 0xFFFD: return false
        default: break
        }
        if scalar.properties.isDefaultIgnorableCodePoint { return false }
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator:
            return false
        default: return true
        }
    }

    private static func isMark(_ scalar: Unicode.Scalar) -> Bool {
        guard scalar.value >= 0x300 else { return false }
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark: return true
        default: return false
        }
    }
}
