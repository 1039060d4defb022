import TestSupport

/// Changes a valid input a little, so that it still gets past the first parser often enough to meet what lies behind it.
struct Mutator {
    /// Where types end, and what is no number any more.
    private static let numbers = [
        "0", "-1", "1", "127", "128", "255", "256", "32768", "65535", "65536", "2147483647", "2147483648",
        "-2147483648",
        "4294967295", "4294967296", "9223372036854775807", "9223372036854775808", "-9223372036854775808",
        "18446744073709551615", "18446744073709551616", "1e308", "1e400", "0.5", "-0", "00",
        "99999999999999999999999999",
    ].map { Array($0.utf8) }
    private static let integers: [UInt64] = [
        0, 1, 0x7FFF, 0x8000, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 0x7FFF_FFFF_FFFF_FFFF,
        0x8000_0000_0000_0000,
        0xFFFF_FFFF_FFFF_FFFF,
    ]
    private static let scraps = [
        "", "\u{0}", "\n", "\r\n", "\t", " ", "\u{1B}[2J", "\u{202E}", "\u{FEFF}", "\"", "\\", "{", "}", "[",
        "]", ":", "=", "#",
        "&a", "*a", "!!binary", "|", ">", "%00", "../", "null", "true", "é", "\u{1F600}",
    ].map { Array($0.utf8) }

    enum Style: Sendable {
        case text
        /// Values are changed far more often than what stands around them: there is but one right way to write it.
        case json
        /// Bytes are changed more often than words.
        case binary
        /// A single change undoes most of it.
        case brittle
    }

    let limit: Int
    let style: Style
    var random: SplitMix64

    mutating func mutate(_ seed: [UInt8], with others: [[UInt8]]) -> [UInt8] {
        var input = seed
        let changes =
            switch style {
            case .text, .binary: 1...4
            case .json: 1...2
            case .brittle: 1...1
            }
        for _ in 0..<Int.random(in: changes, using: &random) {
            if style == .json, Int.random(in: 0..<8, using: &random) != 0 {
                replaceValue(&input, others)
            } else {
                change(&input, others)
            }
        }
        return Array(input.prefix(limit))
    }

    private mutating func change(_ input: inout [UInt8], _ others: [[UInt8]]) {
        guard !input.isEmpty else {
            input = others.randomElement(using: &random) ?? []
            return
        }
        let isBinary = style == .binary
        switch style == .brittle ? 0 : Int.random(in: 0..<(isBinary ? 12 : 16), using: &random) {
        case 0, 1: input[place(input)] ^= 1 << UInt8.random(in: 0...7, using: &random)
        case 2: input[place(input)] = UInt8.random(in: 0...255, using: &random)
        case 3: input[place(input)] = [0, 1, 0x7F, 0x80, 0xFF].randomElement(using: &random) ?? 0
        case 4: setInteger(&input)
        case 5: duplicate(&input)
        case 6: remove(&input)
        case 7: splice(&input, others)
        case 8: insert(&input, Self.scraps.randomElement(using: &random) ?? [])
        case 9 where isBinary: input.removeLast(min(input.count, Int.random(in: 1...64, using: &random)))
        case 10 where isBinary:
            input += [UInt8](repeating: 0, count: Int.random(in: 1...512, using: &random))
        case _: replaceWord(&input, others)
        }
    }

    private mutating func place(_ input: [UInt8]) -> Int { Int.random(in: 0..<input.count, using: &random) }

    /// A length or count as files have them.
    private mutating func setInteger(_ input: inout [UInt8]) {
        let width = [2, 4, 8].randomElement(using: &random) ?? 4
        guard input.count >= width else { return }
        let start = Int.random(in: 0...(input.count - width), using: &random)
        let value = Self.integers.randomElement(using: &random) ?? 0
        for index in 0..<width {
            input[start + index] = UInt8(truncatingIfNeeded: value >> UInt64(8 * (width - 1 - index)))
        }
    }

    private mutating func duplicate(_ input: inout [UInt8]) {
        let lines = lines(input)
        guard let line = lines.randomElement(using: &random) else { return }
        input.insert(contentsOf: Array(input[line]), at: line.lowerBound)
    }

    private mutating func remove(_ input: inout [UInt8]) {
        guard let line = lines(input).randomElement(using: &random), line.count < input.count else { return }
        input.removeSubrange(line)
    }

    /// Lines with their newlines; what has none is cut by chance.
    private mutating func lines(_ input: [UInt8]) -> [Range<Int>] {
        var lines: [Range<Int>] = []
        var start = 0
        for (index, byte) in input.enumerated() where byte == UInt8(ascii: "\n") {
            lines.append(start..<index + 1)
            start = index + 1
        }
        if start < input.count { lines.append(start..<input.count) }
        guard lines.count < 3 else { return lines }
        let first = place(input)
        return [first..<min(input.count, first + Int.random(in: 1...32, using: &random))]
    }

    private mutating func splice(_ input: inout [UInt8], _ others: [[UInt8]]) {
        guard let other = others.randomElement(using: &random), !other.isEmpty else { return }
        let from = place(other)
        let piece = other[from..<min(other.count, from + Int.random(in: 1...128, using: &random))]
        insert(&input, Array(piece))
    }

    private mutating func insert(_ input: inout [UInt8], _ piece: [UInt8]) {
        input.insert(contentsOf: piece, at: Int.random(in: 0...input.count, using: &random))
    }

    /// A number by any other, what stands in quotes by what stands in others.
    private mutating func replaceValue(_ input: inout [UInt8], _ others: [[UInt8]]) {
        guard let word = word(in: input) else { return }
        let isNumber = input[word].allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        if isNumber {
            let number = Self.numbers.prefix(19).randomElement(using: &random) ?? []
            input.replaceSubrange(word, with: number)
        } else if let other = others.randomElement(using: &random), let found = self.word(in: other),
            !isName(word, in: input)
        {
            input.replaceSubrange(word, with: Array(other[found]))
        }
    }

    /// Whether it is a member's name: without them most objects are none.
    private func isName(_ word: Range<Int>, in input: [UInt8]) -> Bool {
        input[word.upperBound...].prefix(2).elementsEqual(Array("\":".utf8))
    }

    /// A number by one at the edge of a type, a word by another.
    private mutating func replaceWord(_ input: inout [UInt8], _ others: [[UInt8]]) {
        guard let word = word(in: input) else { return }
        let isNumber = input[word].allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        if isNumber, Bool.random(using: &random) {
            input.replaceSubrange(word, with: Self.numbers.randomElement(using: &random) ?? [])
        } else if let other = others.randomElement(using: &random), let found = self.word(in: other) {
            input.replaceSubrange(word, with: Array(other[found]))
        }
    }

    private mutating func word(in input: [UInt8]) -> Range<Int>? {
        guard !input.isEmpty else { return nil }
        let start = place(input)
        guard let first = input[start...].firstIndex(where: Self.isOfWord) else { return nil }
        let end = input[first...].firstIndex { !Self.isOfWord($0) } ?? input.count
        return first..<end
    }

    private static func isOfWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"):
            true
        case _: false
        }
    }
}
