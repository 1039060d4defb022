/// A text wherever it stands by itself: not as a part of a longer name or list.
struct TextSearch {
    private let wanted: [UInt8]

    init(_ text: String) { wanted = Array(text.utf8) }

    /// Where each begins, in order; none overlaps another.
    func occurrences(in content: [UInt8]) -> [Int] {
        guard let head = wanted.first, content.count >= wanted.count else { return [] }
        var found: [Int] = []
        var index = 0
        while index <= content.count - wanted.count {
            guard content[index] == head, content[index..<(index + wanted.count)].elementsEqual(wanted),
                standsAlone(index, in: content)
            else {
                index += 1
                continue
            }
            found.append(index)
            index += wanted.count
        }
        return found
    }

    func replacing(with text: String, in content: [UInt8]) -> [UInt8] {
        var rest = content[...]
        var rewritten: [UInt8] = []
        for place in occurrences(in: content) {
            rewritten += rest[..<place]
            rewritten += text.utf8
            rest = content[(place + wanted.count)...]
        }
        return rewritten + rest
    }

    static func line(of place: Int, in content: [UInt8]) -> Int {
        content[..<place].reduce(1) { $1 == UInt8(ascii: "\n") ? $0 + 1 : $0 }
    }

    private func standsAlone(_ index: Int, in content: [UInt8]) -> Bool {
        let before = index > 0 ? content[index - 1] : nil
        let end = index + wanted.count
        let after = end < content.count ? content[end] : nil
        let first = wanted.first.map(Self.belongsToName) ?? false
        let last = wanted.last.map(Self.belongsToName) ?? false
        return !(first && before.map(Self.belongsToName) ?? false)
            && !(last && after.map(Self.belongsToName) ?? false)
    }

    /// Of a host's name, an address, a port, or a list of such.
    private static func belongsToName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"),
            UInt8(ascii: ":"), UInt8(ascii: ","):
            true
        case _: byte >= 0x80
        }
    }
}
