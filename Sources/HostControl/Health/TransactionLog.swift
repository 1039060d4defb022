import FoundationEssentials
import Glibc
import Topology

/// Finds the last transaction of one log file, as ZooKeeper finds it when it starts.
///
/// A file is a header of 16 bytes and records: an Adler-32 sum (8 bytes), a length (4), the transaction, the
/// byte `B`. Files are allocated ahead with zeros, so a length of zero is the end; a record without its `B` was
/// never finished, and ZooKeeper ends there too. A finished record whose sum is wrong is damage.
struct TransactionLog {
    /// Where the last record began, so that a later look need not read what lies before it.
    struct Position: Hashable {
        let inode: UInt64
        let offset: Int64
        let zxid: Zxid
    }

    struct Outcome: Hashable {
        /// Nil when the file holds no finished record.
        let last: Position?
        let problem: String?
    }

    private enum Step {
        case record(Zxid, next: Int64)
        case end
        case damage(String)
    }

    private static let magic: [UInt8] = Array("ZKLG".utf8)
    private static let headerSize: Int64 = 16
    /// Far above what any server takes (`jute.maxbuffer` is 1 MiB); it is read into memory.
    private static let recordLimit: Int64 = 64 << 20
    private static let recordOverhead: Int64 = 13

    /// `known`: an earlier outcome's position, which is checked before it is believed.
    static func scan(_ path: String, known: Position? = nil) throws(FileError) -> Outcome {
        let file = try OpenFile(regular: path)
        let attributes = try file.attributes()
        var window = FileWindow(size: Int64(attributes.st_size))
        let header = try window.bytes(of: file, at: 0, count: headerSize)
        // ZooKeeper creates a file before it fills in the header.
        guard header.count == headerSize, header.contains(where: { $0 != 0 }) else {
            return Outcome(last: nil, problem: nil)
        }
        guard Array(header.prefix(4)) == magic, integer(header.dropFirst(4).prefix(4)) == 2 else {
            return Outcome(last: nil, problem: "it does not begin like a transaction log")
        }
        var last: Position?
        var offset = headerSize
        if let known, known.inode == UInt64(attributes.st_ino) {
            if case .record(known.zxid, let next) = try read(file, &window, at: known.offset) {
                (last, offset) = (known, next)
            }
        }
        while true {
            switch try read(file, &window, at: offset) {
            case .record(let zxid, let next):
                last = Position(inode: UInt64(attributes.st_ino), offset: offset, zxid: zxid)
                offset = next
            case .end: return Outcome(last: last, problem: nil)
            case .damage(let reason): return Outcome(last: last, problem: "at byte \(offset): \(reason)")
            }
        }
    }

    /// A server may be writing this record: what looks like damage is read again from the disk first.
    private static func read(
        _ file: borrowing OpenFile,
        _ window: inout FileWindow,
        at offset: Int64
    ) throws(FileError) -> Step {
        for _ in 0..<2 {
            let step = try readOnce(file, &window, at: offset)
            guard case .damage = step else { return step }
            window.forget()
        }
        return try readOnce(file, &window, at: offset)
    }

    private static func readOnce(
        _ file: borrowing OpenFile,
        _ window: inout FileWindow,
        at offset: Int64
    ) throws(FileError) -> Step {
        let head = try window.bytes(of: file, at: offset, count: 12)
        guard head.count == 12 else { return .end }
        let length = Int64(Int32(truncatingIfNeeded: integer(head.suffix(4))))
        guard length != 0 else { return .end }
        guard length <= recordLimit else { return .damage("a record of \(length) bytes") }
        guard length > 0 else { return .damage("a record of length \(length)") }
        let sum = integer(head.prefix(8))
        let whole = length + recordOverhead
        guard offset + whole <= window.size else { return .end }
        let record = try window.bytes(of: file, at: offset, count: whole)
        guard record.count == whole, record.last == UInt8(ascii: "B") else { return .end }
        let content = record.dropFirst(12).dropLast()
        guard UInt64(Adler32.sum(content)) == sum else {
            return .damage("a finished record with a wrong checksum")
        }
        // The header of a transaction: session (8), cxid (4), zxid (8), time (8), type (4).
        guard content.count >= 32 else { return .damage("a record too short for a transaction") }
        return .record(Zxid(integer(content.dropFirst(12).prefix(8))), next: offset + whole)
    }

    private static func integer(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reduce(0) { $0 << 8 | UInt64($1) }
    }
}

/// The part of a file that was read last; files are gone through from front to back.
private struct FileWindow {
    private static let step: Int64 = 256 << 10

    let size: Int64
    private var start: Int64 = 0
    private var content: [UInt8] = []

    init(size: Int64) { self.size = size }

    mutating func forget() { content = [] }

    /// Fewer bytes than asked for when the file ends before.
    mutating func bytes(
        of file: borrowing OpenFile,
        at offset: Int64,
        count: Int64
    ) throws(FileError) -> ArraySlice<UInt8> {
        if offset < start || offset + count > start + Int64(content.count) {
            try fill(from: file, at: offset, count: max(count, Self.step))
        }
        let first = Int(offset - start)
        return content[first..<min(content.count, first + Int(count))]
    }

    private mutating func fill(
        from file: borrowing OpenFile,
        at offset: Int64,
        count: Int64
    ) throws(FileError) {
        var buffer = [UInt8](repeating: 0, count: Int(count))
        var filled = 0
        while filled < buffer.count {
            let got = buffer.withUnsafeMutableBytes { bytes in
                pread(
                    file.descriptor,
                    bytes.baseAddress.map { $0 + filled },
                    bytes.count - filled,
                    Int(offset) + filled
                )
            }
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else { throw .unavailable(operation: "read", path: file.path, code: errno) }
            guard got > 0 else { break }
            filled += got
        }
        start = offset
        content = Array(buffer.prefix(filled))
    }
}

/// The checksum of RFC 1950.
enum Adler32 {
    static func sum(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        bytes.withUnsafeBufferPointer { buffer in
            var (low, high): (UInt32, UInt32) = (1, 0)
            var index = 0
            while index < buffer.count {
                // The longest run for which 32 bits cannot overflow.
                let end = min(buffer.count, index + 5552)
                while index < end {
                    low &+= UInt32(buffer[index])
                    high &+= low
                    index += 1
                }
                low %= 65_521
                high %= 65_521
            }
            return high << 16 | low
        }
    }
}
