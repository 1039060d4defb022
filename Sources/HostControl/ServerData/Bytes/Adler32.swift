/// The checksum of RFC 1950.
struct Adler32 {
    private static let base: UInt32 = 65_521

    private var low: UInt32 = 1
    private var high: UInt32 = 0

    var value: UInt32 { high << 16 | low }

    mutating func update(_ buffer: UnsafeBufferPointer<UInt8>) {
        var index = 0
        while index < buffer.count {
            // The longest run for which 32 bits cannot overflow.
            let end = min(buffer.count, index + 5552)
            while index < end {
                low &+= UInt32(buffer[index])
                high &+= low
                index += 1
            }
            low %= Self.base
            high %= Self.base
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
