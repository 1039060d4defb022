/// Reads JSON into a `JSONValue`.
///
/// `JSONDecoder` has to be asked type by type, and says no by throwing: that takes longer than everything else that is
/// done to close a port. Numbers are whole ones that fit into an `Int`; nft writes no others.
struct JSONReader {
    struct Mistake: Error, CustomStringConvertible {
        let offset: Int

        var description: String { "not the JSON that was expected, at byte \(offset)" }
    }

    private static let deepest = 64
    private let bytes: [UInt8]
    private var index = 0

    static func value(of text: String) throws(Mistake) -> JSONValue {
        var reader = JSONReader(bytes: Array(text.utf8))
        let value = try reader.value(depth: 0)
        reader.skipSpace()
        guard reader.index == reader.bytes.count else { throw reader.mistake }
        return value
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private var mistake: Mistake { Mistake(offset: index) }

    private var next: UInt8? { index < bytes.count ? bytes[index] : nil }

    private mutating func value(depth: Int) throws(Mistake) -> JSONValue {
        guard depth < Self.deepest else { throw mistake }
        skipSpace()
        switch next {
        case UInt8(ascii: "{"): return .object(try members(depth))
        case UInt8(ascii: "["): return .list(try elements(depth))
        case UInt8(ascii: "\""): return .text(try string())
        case UInt8(ascii: "t"):
            try take("true")
            return .truth(true)
        case UInt8(ascii: "f"):
            try take("false")
            return .truth(false)
        case UInt8(ascii: "n"):
            try take("null")
            return .null
        default: return .integer(try integer())
        }
    }

    private mutating func members(_ depth: Int) throws(Mistake) -> [String: JSONValue] {
        var members: [String: JSONValue] = [:]
        try list(until: UInt8(ascii: "}")) { reader throws(Mistake) in
            reader.skipSpace()
            let key = try reader.string()
            reader.skipSpace()
            try reader.take(":")
            let value = try reader.value(depth: depth + 1)
            // Of two members with one name, one would go unseen.
            guard members.updateValue(value, forKey: key) == nil else { throw reader.mistake }
        }
        return members
    }

    private mutating func elements(_ depth: Int) throws(Mistake) -> [JSONValue] {
        var elements: [JSONValue] = []
        try list(until: UInt8(ascii: "]")) { reader throws(Mistake) in
            elements.append(try reader.value(depth: depth + 1))
        }
        return elements
    }

    /// At the opening bracket; items are separated by commas.
    private mutating func list(
        until end: UInt8,
        _ item: (inout JSONReader) throws(Mistake) -> Void
    ) throws(Mistake) {
        index += 1
        skipSpace()
        guard next != end else {
            index += 1
            return
        }
        while true {
            try item(&self)
            skipSpace()
            if next == end {
                index += 1
                return
            }
            try take(",")
        }
    }

    private mutating func string() throws(Mistake) -> String {
        guard next == UInt8(ascii: "\"") else { throw mistake }
        index += 1
        var content: [UInt8] = []
        while let byte = next, byte != UInt8(ascii: "\"") {
            guard byte >= 0x20 else { throw mistake }
            index += 1
            if byte == UInt8(ascii: "\\") { content += try escaped() } else { content.append(byte) }
        }
        guard next != nil, let text = String(validating: content, as: UTF8.self) else { throw mistake }
        index += 1
        return text
    }

    /// After the backslash.
    private mutating func escaped() throws(Mistake) -> [UInt8] {
        guard let letter = next else { throw mistake }
        index += 1
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [letter]
        case UInt8(ascii: "b"): return [0x08]
        case UInt8(ascii: "f"): return [0x0C]
        case UInt8(ascii: "n"): return [0x0A]
        case UInt8(ascii: "r"): return [0x0D]
        case UInt8(ascii: "t"): return [0x09]
        case UInt8(ascii: "u"):
            var units = [try codeUnit()]
            if UTF16.isLeadSurrogate(units[0]) {
                try take("\\u")
                units.append(try codeUnit())
            }
            guard let text = String(validating: units, as: UTF16.self) else { throw mistake }
            return Array(text.utf8)
        default: throw mistake
        }
    }

    private mutating func codeUnit() throws(Mistake) -> UInt16 {
        guard index + 4 <= bytes.count else { throw mistake }
        var unit: UInt16 = 0
        for _ in 0..<4 {
            guard let digit = Character(UnicodeScalar(bytes[index])).hexDigitValue, bytes[index] < 0x80 else {
                throw mistake
            }
            unit = unit << 4 | UInt16(digit)
            index += 1
        }
        return unit
    }

    private mutating func integer() throws(Mistake) -> Int {
        let start = index
        if next == UInt8(ascii: "-") { index += 1 }
        let first = index
        while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { index += 1 }
        let hasLeadingZero = index - first > 1 && bytes[first] == UInt8(ascii: "0")
        let goesOn =
            next.map { [UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E")].contains($0) } ?? false
        guard index > first, !hasLeadingZero, !goesOn,
            let number = Int(String(decoding: bytes[start..<index], as: UTF8.self))
        else { throw mistake }
        return number
    }

    private mutating func take(_ text: StaticString) throws(Mistake) {
        let wanted = UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
        guard bytes[index...].starts(with: wanted) else { throw mistake }
        index += wanted.count
    }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { index += 1 }
    }
}
