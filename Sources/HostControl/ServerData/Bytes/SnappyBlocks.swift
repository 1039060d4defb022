/// Decompresses what `org.xerial.snappy.SnappyOutputStream` writes, as far as it goes: a header of 16 bytes, then blocks
/// with their size before them (4 bytes), each compressed by itself.
final class SnappyBlocks: Unpacking {
    /// Far above the writer's blocks of 32 KiB.
    private static let limit = 16 << 20

    private let input: SequentialBytes
    private var isBegun = false

    init(_ input: SequentialBytes) { self.input = input }

    func next(_ sink: (ArraySlice<UInt8>) -> Void) -> UnpackingStep {
        if !isBegun {
            isBegun = true
            guard input.next(16) != nil else { return .end }
        }
        guard let size = input.next(4)?.reduce(0, { $0 << 8 | Int($1) }) else { return .end }
        guard size > 0, size <= Self.limit else { return .malformed }
        guard let block = input.next(size) else { return .end }
        guard let content = Self.content(of: block) else { return .malformed }
        sink(content[...])
        return .more
    }

    /// Nil when the block is malformed.
    private static func content(of block: [UInt8]) -> [UInt8]? {
        var (index, size, shift) = (0, 0, 0)
        while true {
            guard index < block.count, shift < 32 else { return nil }
            size |= Int(block[index] & 0x7F) << shift
            index += 1
            if block[index - 1] & 0x80 == 0 { break }
            shift += 7
        }
        guard size <= limit else { return nil }
        var content: [UInt8] = []
        // What it says of its size is believed once the bytes are there.
        content.reserveCapacity(min(size, block.count * 22))
        /// A number of some bytes, the lowest first.
        func number(_ count: Int) -> Int? {
            guard index + count <= block.count else { return nil }
            defer { index += count }
            return block[index..<index + count].reversed().reduce(0) { $0 << 8 | Int($1) }
        }
        while index < block.count {
            let tag = Int(block[index])
            index += 1
            switch tag & 3 {
            case 0:
                var length = tag >> 2
                if length >= 60 {
                    guard let longer = number(length - 59) else { return nil }
                    length = longer
                }
                length += 1
                guard index + length <= block.count else { return nil }
                content += block[index..<index + length]
                index += length
            case let kind:
                let length = kind == 1 ? ((tag >> 2) & 7) + 4 : (tag >> 2) + 1
                guard let low = number([1, 2, 4][kind - 1]) else { return nil }
                let distance = kind == 1 ? (tag >> 5) << 8 | low : low
                guard distance > 0, distance <= content.count else { return nil }
                for _ in 0..<length { content.append(content[content.count - distance]) }
            }
            guard content.count <= size else { return nil }
        }
        return content.count == size ? content : nil
    }
}
