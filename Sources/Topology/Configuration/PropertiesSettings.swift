import Printable

/// Settings of a properties file in force: the last of each key.
extension PropertiesText {
    /// Keys that stand there again: what only the last one of each says.
    var repeats: [StartRemark] {
        var first: [String: Int] = [:]
        var remarks: [StartRemark] = []
        for element in elements {
            guard case .setting(let key, _) = element.content else { continue }
            if let earlier = first[key] {
                let shown = PrintableText(key, limit: 100)
                remarks.append(
                    StartRemark(
                        line: element.line,
                        text: "'\(shown)' stands here again, first on line \(earlier): the last one counts"
                    )
                )
            } else {
                first[key] = element.line
            }
        }
        return remarks
    }

    /// The three bytes that some editors begin UTF-8 with are letters of the first key.
    var hidesFirstKey: Bool {
        guard let first = elements.first, first.bytes.starts(with: [0xEF, 0xBB, 0xBF]),
            case .setting = first.content, first.bytes.count > 3
        else { return false }
        return first.bytes[3] != UInt8(ascii: "#") && first.bytes[3] != UInt8(ascii: "!")
    }

    /// Without the blanks around it, as Kafka and others take it; nil when nothing sets it.
    func value(of key: String) -> (value: String, line: Int)? {
        guard let place = place(of: key), case .setting(_, let value) = elements[place].content else {
            return nil
        }
        return (value.trimmingBlanks(), elements[place].line)
    }

    /// The element that sets it.
    func place(of key: String) -> Int? {
        elements.lastIndex {
            if case .setting(key, _) = $0.content { true } else { false }
        }
    }

    /// The whole text with another value of the key; nil when nothing sets it.
    ///
    /// Only the value changes, where the setting in force stands; its key, its separator and its line end stay. Nothing is escaped:
    /// whoever asks reads it again.
    func replacing(_ key: String, with value: String) -> [UInt8]? {
        guard let place = place(of: key) else { return nil }
        var pieces = elements.map(\.bytes)
        let old = pieces[place]
        pieces[place] = Self.head(of: old, key) + Array(value.utf8) + Self.terminator(of: old)
        return pieces.flatMap { $0 }
    }

    /// Everything before the value, as long as it stands plainly on the first line.
    private static func head(of line: [UInt8], _ name: String) -> [UInt8] {
        let isBlank = { (byte: UInt8) in byte == 32 || byte == 9 || byte == 12 }
        let indent = line.prefix(while: isBlank)
        let key = Array(name.utf8)
        guard line.dropFirst(indent.count).starts(with: key) else { return key + [UInt8(ascii: "=")] }
        var end = indent.count + key.count
        while end < line.count, isBlank(line[end]) { end += 1 }
        guard end < line.count else { return key + [UInt8(ascii: "=")] }
        let isSeparated = end > indent.count + key.count || "=:".utf8.contains(line[end])
        guard isSeparated else { return key + [UInt8(ascii: "=")] }
        if line[end] == UInt8(ascii: "=") || line[end] == UInt8(ascii: ":") { end += 1 }
        while end < line.count, isBlank(line[end]) { end += 1 }
        return Array(line[..<end])
    }

    /// LF, CR LF or CR; empty at the end of a file without one.
    private static func terminator(of line: [UInt8]) -> [UInt8] {
        if line.suffix(2) == [13, 10] { return [13, 10] }
        return line.last.map { $0 == 10 || $0 == 13 ? [$0] : [] } ?? []
    }
}
