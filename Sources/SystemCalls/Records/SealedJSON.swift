/// A JSON object with a checksum of itself as its first member: `{"crc32c":"e3069283","lease":...}`.
///
/// It stays JSON for whoever reads it otherwise, also for a version that knows no checksums. What such a version wrote has
/// none, and is told apart from an object whose checksum itself was damaged.
package enum SealedJSON {
    package enum Opened: Hashable, Sendable {
        /// As it was before it got its checksum.
        case sound([UInt8])
        /// A version before checksums wrote it.
        case unsealed([UInt8])
        /// It is not what was written.
        case damaged
    }

    private static let mark = Array(#"{"crc32c":""#.utf8)
    private static let separator = Array(#"","#.utf8)
    private static let digits = 8
    private static let size = mark.count + digits + separator.count

    /// - Parameter object: a JSON object that has members.
    package static func seal(_ object: some Collection<UInt8>) -> [UInt8] {
        mark + hexadecimal(CRC32C.sum(object)) + separator + object.dropFirst()
    }

    /// A newline behind it, as files of one object have, does not count.
    package static func open(_ bytes: some Collection<UInt8>) -> Opened {
        var bytes = Array(bytes)
        if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
        guard bytes.starts(with: mark) else {
            let same = zip(bytes, mark).reduce(0) { $0 + ($1.0 == $1.1 ? 1 : 0) }
            return same * 2 > mark.count || bytes.first != mark.first ? .damaged : .unsealed(bytes)
        }
        guard bytes.count > size, bytes[..<size].suffix(separator.count).elementsEqual(separator) else {
            return .damaged
        }
        let object = [UInt8(ascii: "{")] + bytes[size...]
        let sum = bytes[mark.count..<mark.count + digits]
        return sum.elementsEqual(hexadecimal(CRC32C.sum(object))) ? .sound(object) : .damaged
    }

    private static func hexadecimal(_ value: UInt32) -> [UInt8] {
        let text = String(value, radix: 16)
        return Array((String(repeating: "0", count: digits - text.count) + text).utf8)
    }
}
