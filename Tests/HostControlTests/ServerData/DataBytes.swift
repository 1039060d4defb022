@testable import HostControl

/// The bytes of a server's files, as a server writes them.
enum DataBytes {
    static func big(_ value: UInt64, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * (count - 1 - $0))) }
    }

    static let header: [UInt8] = Array("ZKLG".utf8) + big(2, 4) + big(0, 8)
    static let padding = [UInt8](repeating: 0, count: 70_000)

    static func record(_ zxid: UInt64, payload: Int = 20) -> [UInt8] {
        let content =
            big(0x1234, 8) + big(1, 4) + big(zxid, 8) + big(0, 8) + big(1, 4)
            + [UInt8](repeating: 7, count: payload)
        return big(UInt64(Adler32.sum(content[...])), 8) + big(UInt64(content.count), 4) + content + [0x42]
    }

    static func log(_ zxids: [UInt64]) -> [UInt8] { header + zxids.flatMap { record($0) } + padding }

    static func snapshot(end: [UInt8] = [0, 0, 0, 1, 0x2F], payload: Int = 50) -> [UInt8] {
        let content = Array("ZKSN".utf8) + big(2, 4) + [UInt8](repeating: 3, count: payload)
        return content + big(UInt64(Adler32.sum(content[...])), 8) + end
    }

    /// As a gzip file that stores its content, of up to 64 KiB, as it is.
    static func gzip(_ content: [UInt8]) -> [UInt8] {
        let size = UInt16(content.count)
        let sizes = [size, ~size].flatMap {
            [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)]
        }
        return [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 1] + sizes + content + [UInt8](repeating: 0, count: 8)
    }
}
