import CZlib

/// The checksum of RFC 1950.
struct Adler32 {
    private static let base: UInt32 = 65_521

    private(set) var value: UInt32 = 1

    /// By the system's zlib: also a build that does not optimise reads gigabytes in seconds.
    mutating func update(_ buffer: UnsafeBufferPointer<UInt8>) {
        var rest = buffer[...]
        while !rest.isEmpty {
            let piece = rest.prefix(1 << 30)
            let start = UnsafeBufferPointer(rebasing: piece).baseAddress
            value = UInt32(truncatingIfNeeded: adler32(UInt(value), start, UInt32(piece.count)))
            rest = rest.dropFirst(piece.count)
        }
    }

    mutating func update(_ bytes: ArraySlice<UInt8>) { bytes.withUnsafeBufferPointer { update($0) } }

    static func sum(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        var sum = Adler32()
        sum.update(bytes)
        return sum.value
    }

    /// Whether `sum` is that of a first part of the bytes which `mark` follows.
    static func endsEarlier(in bytes: ArraySlice<UInt8>, sum: UInt64, before mark: UInt8) -> Bool {
        bytes.withUnsafeBufferPointer { buffer in
            var (low, high): (UInt32, UInt32) = (1, 0)
            for byte in buffer {
                if byte == mark, UInt64(high << 16 | low) == sum { return true }
                low += UInt32(byte)
                if low >= base { low -= base }
                high += low
                if high >= base { high -= base }
            }
            return false
        }
    }
}
