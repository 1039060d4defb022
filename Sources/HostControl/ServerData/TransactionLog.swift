import ControlProtocol
import FoundationEssentials
import Glibc
import Topology

/// Reads the transactions of one log file, as ZooKeeper reads them when it starts.
///
/// A file is a header of 16 bytes and records: an Adler-32 sum (8 bytes), a length (4), the transaction, the
/// byte `B`. Files are allocated ahead with zeros, so a length of zero is the end; a record without its `B` was
/// never finished, and ZooKeeper ends there too, without a word, and goes on with the next file. It does not start
/// with a finished record whose sum is wrong, nor with a file without a complete header.
struct TransactionLog {
    /// Where a record began, so that a later look need not read what lies before it.
    struct Position: Hashable {
        let inode: UInt64
        let offset: Int64
        let zxid: Zxid
        let sum: UInt64
    }

    /// What is wrong with a file.
    enum Flaw: Hashable {
        /// ZooKeeper does not start with it.
        case refused(String)
        /// ZooKeeper takes this for the end, though more was written.
        case cutShort(String)
        /// There was no time for more: what follows is not known.
        case unread(String)
    }

    struct Outcome: Hashable {
        /// The last finished record, which need not be the newest: nil when the file holds none.
        let last: Position?
        /// What the finished records hold, in the file's order.
        let runs: [ZxidRange]
        /// Where the finished records end.
        let end: Int64
        let flaw: Flaw?

        var problem: String? { flaw?.reason }

        var isWhole: Bool {
            switch flaw {
            case nil, .refused, .cutShort: true
            case .unread: false
            }
        }
    }

    private enum Step {
        case record(Position, next: Int64)
        case end
        case flaw(Flaw)
    }

    static let magic: [UInt8] = Array("ZKLG".utf8)
    static let headerSize: Int64 = 16
    /// Far above what any server takes (`jute.maxbuffer` is 1 MiB); it is read into memory.
    private static let recordLimit: Int64 = 64 << 20
    private static let recordOverhead: Int64 = 13
    private static let endMark = UInt8(ascii: "B")
    /// A server numbers what it logs one after another; a file that does not do so would fill the memory.
    private static let runLimit = 65_536
    /// How much is read from one look at the clock to the next.
    private static let stride: Int64 = 1 << 20
    /// How far behind the end something that was written is looked for.
    private static let lookahead: Int64 = 64 << 10

    private let inode: UInt64
    private var window: FileWindow

    private init(_ attributes: stat) {
        inode = UInt64(attributes.st_ino)
        window = FileWindow(size: Int64(attributes.st_size))
    }

    /// `known`: an earlier outcome, whose last record is checked before it is believed.
    ///
    /// `end`: when there is no more time; what was read by then is known to the next scan.
    static func scan(_ path: String, known: Outcome? = nil, by end: ContinuousClock.Instant? = nil)
        throws(FileError) -> Outcome
    {
        let file = try OpenFile(regular: path)
        var log = TransactionLog(try file.attributes())
        return try log.scan(file, known: known, by: end)
    }

    /// Whether it holds a finished record of a later transaction; reads up to the first one.
    static func goesOn(_ file: borrowing OpenFile, after zxid: Zxid) throws(FileError) -> Bool {
        var log = TransactionLog(try file.attributes())
        let outcome = try log.scan(file, known: nil, until: zxid)
        return outcome.last.map { $0.zxid > zxid } ?? false
    }

    /// `limit`: ends with the first record beyond it.
    private mutating func scan(
        _ file: borrowing OpenFile,
        known: Outcome?,
        until limit: Zxid? = nil,
        by end: ContinuousClock.Instant? = nil
    ) throws(FileError) -> Outcome {
        if let flaw = try headerFlaw(file) { return nothing(flaw) }
        var last: Position?
        var runs: [ZxidRange] = []
        var offset = Self.headerSize
        if let known, let position = known.last, position.inode == inode,
            case .record(position, let next) = try read(file, at: position.offset)
        {
            (last, runs, offset) = (position, known.runs, next)
        }
        var pause = offset + Self.stride
        while true {
            if offset >= pause {
                pause = offset + Self.stride
                if let end, ContinuousClock.now >= end {
                    let reason = "read up to byte \(offset) of \(window.size); there was no time for more"
                    return Outcome(last: last, runs: runs, end: offset, flaw: .unread(reason))
                }
            }
            guard runs.count <= Self.runLimit else {
                let reason =
                    "at byte \(offset): \(Self.runLimit) gaps in its numbers; it is not what it seems"
                return Outcome(last: last, runs: runs, end: offset, flaw: .refused(reason))
            }
            switch try read(file, at: offset) {
            case .record(let position, let next):
                runs.extend(to: position.zxid)
                (last, offset) = (position, next)
                if let limit, position.zxid > limit {
                    return Outcome(last: last, runs: runs, end: offset, flaw: nil)
                }
            case .end: return Outcome(last: last, runs: runs, end: offset, flaw: nil)
            case .flaw(let flaw): return Outcome(last: last, runs: runs, end: offset, flaw: flaw)
            }
        }
    }

    private mutating func headerFlaw(_ file: borrowing OpenFile) throws(FileError) -> Flaw? {
        let header = try window.bytes(of: file, at: 0, count: Self.headerSize)
        guard header.count == Self.headerSize else {
            return .refused("its header is not complete, and ZooKeeper does not start with such a file")
        }
        guard Array(header.prefix(4)) == Self.magic else {
            return .refused("it does not begin like a transaction log")
        }
        return nil
    }

    private func nothing(_ flaw: Flaw) -> Outcome { Outcome(last: nil, runs: [], end: 0, flaw: flaw) }

    /// A server may be writing this record: what looks like a flaw is read again from the disk first.
    private mutating func read(_ file: borrowing OpenFile, at offset: Int64) throws(FileError) -> Step {
        for _ in 0..<2 {
            let step = try readOnce(file, at: offset)
            guard case .flaw = step else { return step }
            window.forget()
        }
        return try readOnce(file, at: offset)
    }

    private mutating func readOnce(_ file: borrowing OpenFile, at offset: Int64) throws(FileError) -> Step {
        let head = try window.bytes(of: file, at: offset, count: 12)
        guard head.count == 12 else { return .end }
        let length = Int64(Int32(truncatingIfNeeded: integer(head.suffix(4))))
        guard length != 0 else {
            guard try isAllZeros(file, from: offset + 12) else {
                return .flaw(.cutShort("at byte \(offset): a length of zero, and more behind it"))
            }
            return .end
        }
        guard length > 0, length <= Self.recordLimit else {
            return .flaw(.refused("at byte \(offset): a record of \(length) bytes"))
        }
        let sum = integer(head.prefix(8))
        let whole = length + Self.recordOverhead
        let record = try window.bytes(of: file, at: offset, count: whole)
        let content = record.dropFirst(12).prefix(Int(length))
        guard record.count == whole, record.last == Self.endMark else {
            return try unfinished(
                file,
                at: offset,
                content,
                mark: record.count == whole ? record.last : nil,
                sum
            )
        }
        guard UInt64(Adler32.sum(content)) == sum else {
            return .flaw(.refused("at byte \(offset): a finished record with a wrong checksum"))
        }
        // The header of a transaction: session (8), cxid (4), zxid (8), time (8), type (4).
        guard content.count >= 32 else {
            return .flaw(.cutShort("at byte \(offset): a record too short for a transaction"))
        }
        let zxid = Zxid(integer(content.dropFirst(12).prefix(8)))
        return .record(Position(inode: inode, offset: offset, zxid: zxid, sum: sum), next: offset + whole)
    }

    /// The usual end of a server that was killed: a record whose writing had begun, then nothing but zeros.
    ///
    /// Anything else was finished once and is damaged now; ZooKeeper cannot tell one from the other.
    private mutating func unfinished(
        _ file: borrowing OpenFile,
        at offset: Int64,
        _ content: ArraySlice<UInt8>,
        mark: UInt8?,
        _ sum: UInt64
    ) throws(FileError) -> Step {
        let end = offset + 12 + Int64(content.count) + 1
        if let mark, mark != 0 {
            return .flaw(.cutShort("at byte \(offset): a record whose end mark is damaged"))
        }
        if Adler32.endsEarlier(in: content, sum: sum, before: Self.endMark) {
            return .flaw(.cutShort("at byte \(offset): a finished record whose length is damaged"))
        }
        guard try isAllZeros(file, from: end) else {
            return .flaw(.cutShort("at byte \(offset): a record without its end mark, and more behind it"))
        }
        return .end
    }

    private mutating func isAllZeros(_ file: borrowing OpenFile, from offset: Int64) throws(FileError) -> Bool
    {
        let count = min(Self.lookahead, window.size - offset)
        guard count > 0 else { return true }
        return try window.bytes(of: file, at: offset, count: count).allSatisfy { $0 == 0 }
    }

    private func integer(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reduce(0) { $0 << 8 | UInt64($1) }
    }
}

/// What the records hold.
extension TransactionLog {
    struct Visit {
        /// That were gone over.
        let bytes: Int64
        /// Whether that was all there is now, or all that can be read.
        let isAtEnd: Bool
        let flaw: String?
    }

    /// Whether the record is still there.
    static func holds(_ place: LogPlace, _ path: String) throws(FileError) -> Bool {
        guard place.offset >= headerSize else { return false }
        let file = try OpenFile(regular: path)
        var log = TransactionLog(try file.attributes())
        guard case .record(let found, _) = try log.read(file, at: place.offset) else { return false }
        return found.zxid == place.zxid
    }

    /// Hands over every finished record, in the file's order, with the transaction in it.
    ///
    /// - Parameters:
    ///   - start: where a finished record begins that is gone over already; nil for all of the file.
    ///   - most: bytes; the record in which they end is the last.
    static func visit(
        _ path: String,
        behind start: Int64?,
        most: Int64,
        by end: ContinuousClock.Instant,
        _ take: (Position, ArraySlice<UInt8>) -> Void
    ) throws(FileError) -> Visit {
        let file = try OpenFile(regular: path)
        var log = TransactionLog(try file.attributes())
        if let flaw = try log.headerFlaw(file) { return Visit(bytes: 0, isAtEnd: true, flaw: flaw.reason) }
        var offset = headerSize
        if let start, case .record(_, let next) = try log.read(file, at: start) { offset = next }
        let first = offset
        var pause = offset + stride
        while offset - first < most {
            if offset >= pause {
                pause = offset + stride
                if ContinuousClock.now >= end { break }
            }
            switch try log.read(file, at: offset) {
            case .record(let position, let next):
                let count = next - offset - recordOverhead
                take(position, try log.window.bytes(of: file, at: offset + 12, count: count))
                offset = next
            case .end: return Visit(bytes: offset - first, isAtEnd: true, flaw: nil)
            case .flaw(let flaw): return Visit(bytes: offset - first, isAtEnd: true, flaw: flaw.reason)
            }
        }
        return Visit(bytes: offset - first, isAtEnd: false, flaw: nil)
    }
}

extension TransactionLog.Flaw {
    var reason: String {
        switch self {
        case .refused(let reason), .cutShort(let reason), .unread(let reason): reason
        }
    }
}

extension [ZxidRange] {
    /// Takes the next record of a file.
    fileprivate mutating func extend(to zxid: Zxid) {
        if let run = last, zxid.value != 0, run.last.value == zxid.value - 1 {
            self[count - 1] = ZxidRange(run.first, through: zxid)
        } else {
            append(ZxidRange(zxid, through: zxid))
        }
    }
}
