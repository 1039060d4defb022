import ControlProtocol
import Glibc
import Topology

@testable import HostControl

extension FuzzTarget {
    /// What a ZooKeeper server, or whoever has its account, writes to its data directory.
    static let data: [FuzzTarget] = [
        directory("snapshot", ".plain", as: "snapshot.5", mend: DataMending.sealed) { path in
            try SnapshotFile.hasMarks(OpenFile(regular: path), .plain)
        },
        directory("snapshot-gz", ".gz", as: "snapshot.5.gz") { path in
            try SnapshotFile.hasMarks(OpenFile(regular: path), .gzip)
        },
        directory("snapshot-snappy", ".snappy", as: "snapshot.5.snappy") { path in
            try SnapshotFile.hasMarks(OpenFile(regular: path), .snappy)
        },
        directory("transaction-log", ".log", as: "log.1", mend: DataMending.summed) { path in
            try TransactionLog.scan(path).last != nil
        },
    ]

    private static func directory(
        _ name: String,
        _ suffix: String,
        as file: String,
        mend: (@Sendable ([UInt8]) -> [UInt8])? = nil,
        isPassed: @escaping @Sendable (String) throws -> Bool
    ) -> FuzzTarget {
        FuzzTarget(name: name, corpus: "data", suffix: suffix, style: .binary, mend: mend) { folder in
            mkdir(folder + "/version-2", 0o700)
            let path = folder + "/version-2/" + file
            return { input in
                try Scratch.write(input, to: path)
                var reader = DataDirectoryReader(limit: ContentLimit(floor: 16 << 20, ratio: 50))
                let found = reader.read(dataDir: folder, logDir: folder)
                let zxids = [Zxid(1), Zxid(4), found.lastZxid ?? Zxid(.max)]
                do throws(FileError) {
                    _ = try HistoryReader.presence(of: zxids, dataDir: folder, logDir: folder)
                } catch {
                    _ = error.description
                }
                _ = WritesReader.read(WritesRequest(trees: ["/", "/t"], after: Zxid(0)), logDir: folder)
                return try isPassed(path)
            }
        }
    }
}

/// Checksums that are right again.
enum DataMending {
    /// A snapshot's: of all that is before the last 13 bytes.
    @Sendable static func sealed(_ input: [UInt8]) -> [UInt8] {
        guard input.count > 13 else { return input }
        let content = input.dropLast(13)
        return content + big(UInt64(Adler32.sum(content)), 8) + [0, 0, 0, 1, 0x2F]
    }

    /// A log's: of each record, as long as lengths lead from one to the next.
    @Sendable static func summed(_ input: [UInt8]) -> [UInt8] {
        var log = input
        var offset = 16
        while offset + 12 < log.count {
            let length = log[offset + 8..<offset + 12].reduce(0) { $0 << 8 | Int($1) }
            guard length > 0, offset + 12 + length < log.count else { break }
            let content = log[offset + 12..<offset + 12 + length]
            log.replaceSubrange(offset..<offset + 8, with: big(UInt64(Adler32.sum(content)), 8))
            log[offset + 12 + length] = 0x42
            offset += 13 + length
        }
        return log
    }

    private static func big(_ value: UInt64, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * (count - 1 - $0))) }
    }
}

/// Files of a worker's own.
enum Scratch {
    struct Failure: Error {
        let path: String
        let code: Int32
    }

    static func write(_ bytes: [UInt8], to path: String) throws(Failure) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Failure(path: path, code: errno) }
        defer { close(descriptor) }
        let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
        guard count == bytes.count else { throw Failure(path: path, code: errno) }
    }
}
