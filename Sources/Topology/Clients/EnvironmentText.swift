/// A file that sets variables: a shell's, systemd's `EnvironmentFile=`, or a unit with `Environment=`.
struct EnvironmentText {
    /// One that sets the variable.
    struct Assignment: Hashable {
        /// Of the value, without its quotes.
        let value: Range<Int>
        let line: Int
        /// Whether the value is what stands there, to a shell and to systemd.
        let isPlain: Bool
    }

    private static let space = UInt8(ascii: " ")
    private static let doubleQuote = UInt8(ascii: "\"")
    private static let singleQuote = UInt8(ascii: "'")

    private let content: [UInt8]

    init(_ content: [UInt8]) { self.content = content }

    /// In order; a comment sets nothing.
    func assignments(of name: String) -> [Assignment] {
        var found: [Assignment] = []
        var start = 0
        var line = 1
        while start < content.count {
            let end = content[start...].firstIndex(of: UInt8(ascii: "\n")) ?? content.count
            found += assignments(of: Array(name.utf8), in: start..<end, line)
            start = end + 1
            line += 1
        }
        return found
    }

    private func assignments(of name: [UInt8], in line: Range<Int>, _ number: Int) -> [Assignment] {
        var at = skippingBlanks(line.lowerBound, line.upperBound)
        guard at < line.upperBound, content[at] != UInt8(ascii: "#"), content[at] != UInt8(ascii: ";") else {
            return []
        }
        if let rest = skipping("Environment=", at, line.upperBound) {
            return words(of: name, in: rest..<line.upperBound, number)
        }
        if let rest = skipping("export", at, line.upperBound), rest < line.upperBound, isBlank(content[rest])
        {
            at = skippingBlanks(rest, line.upperBound)
        }
        return assignment(of: name, at, line.upperBound, number, within: nil).map { [$0] } ?? []
    }

    /// Of `Environment=`: words with blanks between them, any of which may stand in quotes as a whole.
    private func words(of name: [UInt8], in range: Range<Int>, _ number: Int) -> [Assignment] {
        var found: [Assignment] = []
        var at = skippingBlanks(range.lowerBound, range.upperBound)
        while at < range.upperBound {
            let quote = isQuote(content[at]) ? content[at] : nil
            let start = quote == nil ? at : at + 1
            if let assignment = assignment(of: name, start, range.upperBound, number, within: quote) {
                found.append(assignment)
            }
            var open = quote
            var end = start
            while end < range.upperBound, open != nil || !isBlank(content[end]) {
                if content[end] == open {
                    open = nil
                } else if open == nil, isQuote(content[end]) {
                    open = content[end]
                }
                end += 1
            }
            at = skippingBlanks(end, range.upperBound)
        }
        return found
    }

    /// - Parameter quote: in which the whole word stands.
    private func assignment(
        of name: [UInt8],
        _ start: Int,
        _ end: Int,
        _ line: Int,
        within quote: UInt8?
    ) -> Assignment? {
        let equals = start + name.count
        guard equals < end, content[start..<equals].elementsEqual(name), content[equals] == UInt8(ascii: "=")
        else { return nil }
        var first = equals + 1
        var closing = quote
        if closing == nil, first < end, isQuote(content[first]) {
            closing = content[first]
            first += 1
        }
        var last = first
        while last < end {
            if let closing {
                if content[last] == closing { break }
            } else if isBlank(content[last]) || content[last] == UInt8(ascii: ";") {
                break
            }
            last += 1
        }
        let isClosed = closing == nil || last < end
        // What a quote is followed by at once belongs to the same value.
        let next = closing == nil ? last : last + 1
        let isWhole = next >= end || isBlank(content[next]) || content[next] == UInt8(ascii: ";")
        let value = first..<last
        return Assignment(
            value: value,
            line: line,
            isPlain: isClosed && isWhole && content[value].allSatisfy(Self.isPlain)
        )
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "$"), UInt8(ascii: "`"), UInt8(ascii: "\\"), UInt8(ascii: "%"), doubleQuote,
            singleQuote:
            false
        case _: byte > space && byte < 0x7F
        }
    }

    private func skipping(_ word: String, _ start: Int, _ end: Int) -> Int? {
        content[start..<end].starts(with: word.utf8) ? start + word.utf8.count : nil
    }

    private func skippingBlanks(_ start: Int, _ end: Int) -> Int {
        content[start..<end].firstIndex { !isBlank($0) } ?? end
    }

    /// A carriage return too: a file from elsewhere keeps its line ends.
    private func isBlank(_ byte: UInt8) -> Bool { byte == Self.space || byte == 9 || byte == 13 }

    private func isQuote(_ byte: UInt8) -> Bool { byte == Self.doubleQuote || byte == Self.singleQuote }
}
