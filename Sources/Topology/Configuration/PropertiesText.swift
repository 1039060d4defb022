/// Text in the format of `java.util.Properties`, which is how ZooKeeper reads zoo.cfg: ISO 8859-1, one setting
/// per logical line, a backslash at the end of a line continues it.
///
/// Every byte of the text belongs to exactly one element, so that joining the elements gives the text back.
struct PropertiesText: Hashable, Sendable {
    struct Element: Hashable, Sendable {
        enum Content: Hashable, Sendable {
            /// A comment or a blank line.
            case other
            /// Escapes resolved, as ZooKeeper sees them.
            case setting(key: String, value: String)
        }

        let content: Content
        /// With its line terminators; several lines when it is continued.
        let bytes: [UInt8]
        /// Of its first line, from 1.
        let line: Int
    }

    let elements: [Element]

    init(_ bytes: [UInt8]) throws(ZooConfigurationError) {
        var scanner = PropertiesScanner(bytes: bytes)
        var elements: [Element] = []
        while let element = try scanner.next() { elements.append(element) }
        self.elements = elements
    }
}

private struct PropertiesScanner {
    let bytes: [UInt8]
    var position = 0
    var line = 1

    private static let space = UInt8(ascii: " ")
    private static let tab = UInt8(ascii: "\t")
    private static let formFeed: UInt8 = 12
    private static let lineFeed = UInt8(ascii: "\n")
    private static let carriageReturn = UInt8(ascii: "\r")
    private static let backslash = UInt8(ascii: "\\")

    mutating func next() throws(ZooConfigurationError) -> PropertiesText.Element? {
        guard position < bytes.count else { return nil }
        let start = position
        let firstLine = line
        var logical = Self.trimmed(naturalLine())
        // Java forgets a backslash that stands alone: the next line is a new one.
        guard let first = logical.first, first != UInt8(ascii: "#"), first != UInt8(ascii: "!"),
            !(logical.elementsEqual([Self.backslash]) && position < bytes.count)
        else { return element(.other, from: start, firstLine) }
        while Self.continues(logical) {
            guard position < bytes.count else {
                throw .danglingContinuation(line: line)
            }
            logical = logical.dropLast() + Self.trimmed(naturalLine())
        }
        let (key, value) = try Self.split(Array(logical), line: firstLine)
        return element(.setting(key: key, value: value), from: start, firstLine)
    }

    private func element(
        _ content: PropertiesText.Element.Content,
        from start: Int,
        _ line: Int
    ) -> PropertiesText.Element {
        PropertiesText.Element(content: content, bytes: Array(bytes[start..<position]), line: line)
    }

    /// Moves behind the next LF, CR or CR LF and gives what stood before it.
    private mutating func naturalLine() -> ArraySlice<UInt8> {
        let start = position
        while position < bytes.count, bytes[position] != Self.lineFeed,
            bytes[position] != Self.carriageReturn
        {
            position += 1
        }
        let content = bytes[start..<position]
        guard position < bytes.count else { return content }
        let terminator = bytes[position]
        position += 1
        if terminator == Self.carriageReturn, position < bytes.count, bytes[position] == Self.lineFeed {
            position += 1
        }
        line += 1
        return content
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == space || byte == tab || byte == formFeed }

    private static func trimmed(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> { line.drop(while: isBlank) }

    private static func continues(_ line: ArraySlice<UInt8>) -> Bool {
        !line.reversed().prefix { $0 == backslash }.count.isMultiple(of: 2)
    }

    private static func split(
        _ line: [UInt8],
        line number: Int
    ) throws(ZooConfigurationError) -> (String, String) {
        let separators: Set<UInt8> = [UInt8(ascii: "="), UInt8(ascii: ":")]
        var end = 0
        while end < line.count, !separators.contains(line[end]), !isBlank(line[end]) {
            end += line[end] == backslash ? 2 : 1
        }
        end = min(end, line.count)
        var rest = line[end...].drop(while: isBlank)
        if let separator = rest.first, separators.contains(separator) {
            rest = rest.dropFirst().drop(while: isBlank)
        }
        return (try unescaped(line[..<end], line: number), try unescaped(rest, line: number))
    }

    private static func unescaped(
        _ text: ArraySlice<UInt8>,
        line: Int
    ) throws(ZooConfigurationError) -> String {
        var units: [UInt16] = []
        var index = text.startIndex
        while index < text.endIndex {
            let byte = text[index]
            index += 1
            guard byte == backslash, index < text.endIndex else {
                units.append(UInt16(byte))
                continue
            }
            let escaped = text[index]
            index += 1
            switch escaped {
            case UInt8(ascii: "t"): units.append(9)
            case UInt8(ascii: "n"): units.append(10)
            case UInt8(ascii: "f"): units.append(12)
            case UInt8(ascii: "r"): units.append(13)
            case UInt8(ascii: "u"):
                let digits = text[index...].prefix(4)
                guard digits.count == 4, digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
                    let unit = UInt16(String(decoding: digits, as: UTF8.self), radix: 16)
                else { throw .malformedEscape(line: line) }
                units.append(unit)
                index += 4
            default: units.append(UInt16(escaped))
            }
        }
        return String(decoding: units, as: UTF16.self)
    }
}
