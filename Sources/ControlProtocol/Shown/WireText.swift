package import FoundationEssentials
import Printable

/// JSON on its way from one program to another, with nothing in its texts that a person could not be shown.
///
/// Both ends apply it to what an agent says: the agent, because a viewer's `curl` prints it; the coordinator, because an
/// agent may be anybody's by now. A text is on one line, so that a reason never looks like another line of ours, and no
/// longer than `PrintableText.usualLimit`. Idempotent.
package enum WireText {
    /// Keys of texts that have lines, listings of rules; no text is longer than this.
    private static let listings = ["listing", "text"].map { Array($0.utf8) }
    private static let longestListing = 100_000
    /// The key of a file in base64.
    private static let content = Array("content".utf8)

    /// What is no JSON is left to whoever decodes it.
    package static func printable(_ json: Data) -> Data {
        let bytes = Array(json)
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var key: ArraySlice<UInt8> = []
        var position = 0
        while position < bytes.count {
            guard bytes[position] == quote else {
                result.append(bytes[position])
                position += 1
                continue
            }
            let end = endOfText(bytes, from: position + 1)
            let text = bytes[(position + 1)..<end]
            if isKey(bytes, upTo: end) { key = text }
            result.append(quote)
            result += shown(text, under: key)
            if end < bytes.count { result.append(quote) }
            position = end + 1
        }
        return Data(result)
    }

    private static let quote = UInt8(ascii: "\"")
    private static let backslash = UInt8(ascii: "\\")

    private static func endOfText(_ bytes: [UInt8], from start: Int) -> Int {
        var index = start
        while index < bytes.count, bytes[index] != quote { index += bytes[index] == backslash ? 2 : 1 }
        return min(index, bytes.count)
    }

    private static func isKey(_ bytes: [UInt8], upTo end: Int) -> Bool {
        guard end < bytes.count else { return false }
        return bytes[(end + 1)...].first { !" \t\r\n".utf8.contains($0) } == UInt8(ascii: ":")
    }

    private static func shown(_ text: ArraySlice<UInt8>, under key: ArraySlice<UInt8>) -> [UInt8] {
        let hasLines = listings.contains { key.elementsEqual($0) }
        let limit =
            key.elementsEqual(content)
            ? Int.max : hasLines ? longestListing : PrintableText.usualLimit
        let isPlain = text.allSatisfy { (0x20...0x7E).contains($0) && $0 != backslash }
        guard !isPlain || text.count > limit else { return Array(text) }
        guard let decoded = JSONText.decoded(text) else { return Array(text) }
        let printable =
            hasLines ? PrintableText(lines: decoded, limit: limit) : PrintableText(decoded, limit: limit)
        return JSONText.encoded(printable.description)
    }
}

/// One text of a JSON document, without its quotes.
private enum JSONText {
    private static let names: [UInt8: UInt8] = [
        UInt8(ascii: "b"): 8, UInt8(ascii: "f"): 12, UInt8(ascii: "n"): 10, UInt8(ascii: "r"): 13,
        UInt8(ascii: "t"): 9, UInt8(ascii: "\""): UInt8(ascii: "\""), UInt8(ascii: "\\"): UInt8(ascii: "\\"),
        UInt8(ascii: "/"): UInt8(ascii: "/"),
    ]

    /// Nil for an escape that JSON does not know.
    static func decoded(_ text: ArraySlice<UInt8>) -> String? {
        var result: [UInt8] = []
        var rest = text
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\") else {
                result.append(byte)
                continue
            }
            guard let escape = rest.popFirst() else { return nil }
            if let plain = names[escape] {
                result.append(plain)
                continue
            }
            guard escape == UInt8(ascii: "u"), let scalar = scalar(&rest) else { return nil }
            result += Array(String(scalar).utf8)
        }
        return String(decoding: result, as: UTF8.self)
    }

    static func encoded(_ text: String) -> [UInt8] {
        text.utf8.flatMap { byte -> [UInt8] in
            switch byte {
            case UInt8(ascii: "\n"): Array(#"\n"#.utf8)
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): [UInt8(ascii: "\\"), byte]
            default: [byte]
            }
        }
    }

    private static func scalar(_ rest: inout ArraySlice<UInt8>) -> Unicode.Scalar? {
        guard let first = unit(&rest) else { return nil }
        guard UTF16.isLeadSurrogate(first) else { return Unicode.Scalar(first) }
        guard rest.starts(with: #"\u"#.utf8) else { return nil }
        rest = rest.dropFirst(2)
        guard let second = unit(&rest), UTF16.isTrailSurrogate(second) else { return nil }
        return Unicode.Scalar(0x10000 + (UInt32(first) - 0xD800) << 10 + UInt32(second) - 0xDC00)
    }

    private static func unit(_ rest: inout ArraySlice<UInt8>) -> UInt16? {
        let digits = rest.prefix(4)
        rest = rest.dropFirst(4)
        guard digits.count == 4, digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }) else {
            return nil
        }
        return UInt16(String(decoding: digits, as: UTF8.self), radix: 16)
    }
}
