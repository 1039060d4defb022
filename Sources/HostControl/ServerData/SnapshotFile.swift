import Glibc

/// One snapshot file, judged as ZooKeeper judges it when it starts.
///
/// A server writes snapshots in place, so that one at work, or one that crashed at it, leaves an incomplete one;
/// ZooKeeper passes over it and takes the one before.
enum SnapshotFile {
    static let magic: [UInt8] = Array("ZKSN".utf8)

    enum Form: Hashable {
        case plain
        case gzip
        case snappy
    }

    /// By the end of the name.
    static func form(of name: String) -> Form {
        switch name.split(separator: ".").last {
        case "gz": .gzip
        case "snappy": .snappy
        case _: .plain
        }
    }

    /// By the marks that ZooKeeper looks at first: the beginning, and for a plain one the path `/` at the end.
    static func hasMarks(_ file: borrowing OpenFile, _ form: Form) throws(FileError) -> Bool {
        let size = Int64(try file.attributes().st_size)
        var window = FileWindow(size: size)
        let head = try window.bytes(of: file, at: 0, count: 8)
        switch form {
        case .gzip: return Array(head.prefix(2)) == [0x1F, 0x8B]
        case .snappy: return Array(head) == [0x82] + Array("SNAPPY".utf8) + [0]
        case .plain:
            guard size >= 10, Array(head.prefix(4)) == magic else { return false }
            return Array(try window.bytes(of: file, at: size - 5, count: 5)) == SnapshotSeal.mark
        }
    }

    /// By its checksum: reads all of it, however long that takes, unless it is not what it seems.
    static func isComplete(_ file: consuming OpenFile, _ form: Form) throws(FileError) -> Bool {
        try SnapshotReading(file, form).goOn() == .complete
    }
}
