import FoundationEssentials

/// Finds the field of a JSON text that says a certain number.
enum NumberSearch {
    /// Of the first one, by the names on the way to it; nil when there is none.
    static func field(saying number: some StringProtocol, in data: Data) -> String? {
        var path: [String] = []
        var (key, word) = ("", "")
        var rest = [UInt8](data)[...]
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
                if said.elementsEqual(number.utf8) {
                    return (path + [key]).filter { !$0.isEmpty }.joined(separator: ".")
                }
                rest = rest[said.endIndex...]
                continue
            case _: break
            }
            rest = rest.dropFirst()
        }
        return nil
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
