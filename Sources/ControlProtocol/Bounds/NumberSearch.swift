import FoundationEssentials

/// Finds the field whose number does not fit into its type: the decoder says of such a text only that it is no JSON.
enum NumberSearch {
    /// Longer texts are not searched, nor more numbers tried.
    private static let searched = 256 << 10
    private static let tried = 32

    struct Place {
        /// The names on the way to it: `zookeeper.data.currentEpoch`.
        let field: String
        let number: String
        fileprivate let range: Range<Int>

        /// The oddest first: no integer, then beyond 64 bits, then large or negative.
        fileprivate var oddity: Double {
            if number.contains(where: { ".eE".contains($0) }) { return .infinity }
            guard let value = Double(number) else { return .infinity }
            return value < 0 ? max(0x1p62, -value) : value
        }
    }

    /// Puts zero in the place of the oddest numbers, one after another, until `decodes`; nil when none of them was it.
    static func misfit(in data: Data, decodes: (Data) -> Bool) -> Place? {
        guard data.count <= searched else { return nil }
        var bytes = [UInt8](data)
        let found = places(in: bytes).sorted { $0.oddity > $1.oddity }.prefix(tried)
        for place in found {
            let zero = [UInt8(ascii: "0")] + Array(repeating: UInt8(ascii: " "), count: place.range.count - 1)
            bytes.replaceSubrange(place.range, with: zero)
            if decodes(Data(bytes)) { return place }
        }
        return nil
    }

    private static func places(in bytes: [UInt8]) -> [Place] {
        var found: [Place] = []
        var path: [String] = []
        var (key, word) = ("", "")
        var rest = bytes[...]
        while let byte = rest.first {
            switch byte {
            case UInt8(ascii: "\""):
                let content = rest.dropFirst()
                let end = Self.end(of: content)
                word = String(decoding: content[..<end], as: UTF8.self)
                rest = content[end...].dropFirst()
                continue
            case UInt8(ascii: ":"): key = word
            case UInt8(ascii: "{"):
                path.append(key)
                key = ""
            case UInt8(ascii: "}"): key = path.popLast() ?? ""
            case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
                let said = rest.prefix { "-+.eE0123456789".utf8.contains($0) }
                found.append(
                    Place(
                        field: (path + [key]).filter { !$0.isEmpty }.joined(separator: "."),
                        number: String(decoding: said, as: UTF8.self),
                        range: said.startIndex..<said.endIndex
                    )
                )
                rest = rest[said.endIndex...]
                continue
            case _: break
            }
            rest = rest.dropFirst()
        }
        return found
    }

    /// Where the closing quote is, or the end.
    private static func end(of text: ArraySlice<UInt8>) -> Int {
        var index = text.startIndex
        while index < text.endIndex, text[index] != UInt8(ascii: "\"") {
            index += text[index] == UInt8(ascii: "\\") ? 2 : 1
        }
        return min(index, text.endIndex)
    }
}
