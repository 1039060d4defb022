@testable import HostControl

/// Transactions as a server logs them.
enum LoggedBytes {
    static func text(_ text: String) -> [UInt8] {
        DataBytes.big(UInt64(text.utf8.count), 4) + Array(text.utf8)
    }

    static func content(
        _ zxid: UInt64,
        _ type: Int32,
        _ body: [UInt8],
        session: UInt64 = 0x1_0000_A8C5_B9D0,
        time: UInt64 = 1_700_000_000_000
    ) -> [UInt8] {
        DataBytes.big(session, 8) + DataBytes.big(1, 4) + DataBytes.big(zxid, 8) + DataBytes.big(time, 8)
            + number(type) + body
    }

    static func record(_ content: [UInt8]) -> [UInt8] {
        DataBytes.big(UInt64(Adler32.sum(content[...])), 8) + DataBytes.big(UInt64(content.count), 4)
            + content + [0x42]
    }

    static func log(_ contents: [[UInt8]]) -> [UInt8] {
        DataBytes.header + contents.flatMap { record($0) } + DataBytes.padding
    }

    /// A path and what comes behind it: data, lists of rights, versions.
    static func node(_ path: String) -> [UInt8] { text(path) + [UInt8](repeating: 7, count: 30) }

    static func multi(_ parts: [(type: Int32, body: [UInt8])]) -> [UInt8] {
        DataBytes.big(UInt64(parts.count), 4)
            + parts.flatMap { part in
                number(part.type) + DataBytes.big(UInt64(part.body.count), 4) + part.body
            }
    }

    static func number(_ number: Int32) -> [UInt8] { DataBytes.big(UInt64(UInt32(bitPattern: number)), 4) }
}
