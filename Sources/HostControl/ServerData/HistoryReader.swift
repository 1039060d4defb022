package import ControlProtocol
import Glibc
package import Topology

/// Tells whether transactions are in a server's history, from its files, while the server runs or not.
package enum HistoryReader {
    /// Listings are taken again when a server at work has removed one of the files meanwhile.
    private static let attempts = 3
    /// For how many seconds files are read; more than any real history takes.
    private static let patience = 120

    /// Blocks for as long as it takes to read the logs from the one in which the oldest of `zxids` would lie, and never for
    /// longer than two minutes.
    ///
    /// `logged` stands for a finished record with a right checksum. `snapshot` for what is older than every record
    /// kept, and not newer than the newest complete snapshot: whether it happened at all can no longer be told.
    /// What a server got as a snapshot from its leader, and has older logs beside, is `absent`: the logs may as well
    /// have lost it.
    package static func presence(
        of zxids: [Zxid],
        dataDir: String,
        logDir: String
    ) throws(FileError) -> [Zxid: Presence] {
        let end = ContinuousClock.now + .seconds(patience)
        for _ in 1..<attempts {
            do throws(FileError) {
                return try look(for: zxids, dataDir + "/version-2", logDir + "/version-2", by: end)
            } catch .unavailable(_, _, code: ENOENT) {
                continue
            } catch {
                throw error
            }
        }
        return try look(for: zxids, dataDir + "/version-2", logDir + "/version-2", by: end)
    }

    private static func look(
        for zxids: [Zxid],
        _ dataDir: String,
        _ logDir: String,
        by end: ContinuousClock.Instant
    ) throws(FileError) -> [Zxid: Presence] {
        // What a snapshot holds may be purged from the logs at any moment, so the snapshots are listed last.
        let logs = try DataFile.list(logDir).logs.read
        var presence: [Zxid: Presence] = [:]
        var sought = Set(zxids)
        if let oldest = sought.min() {
            for file in logs.logs(after: oldest) where !sought.isEmpty {
                let logged = ZxidSet(try runs(of: file, by: end))
                for zxid in sought where logged.contains(zxid) {
                    presence[zxid] = .logged
                    sought.remove(zxid)
                }
            }
        }
        guard !sought.isEmpty else { return presence }
        let snapshot = try newestSnapshot(dataDir, by: end)
        let kept = try oldestRecord(logs, by: end)
        for zxid in sought {
            let isCovered = snapshot.map { zxid <= $0 } ?? false
            presence[zxid] = isCovered && kept.map { zxid < $0 } ?? true ? .snapshot : .absent
        }
        return presence
    }

    private static func runs(of file: DataFile, by end: ContinuousClock.Instant) throws(FileError)
        -> [ZxidRange]
    {
        let outcome = try TransactionLog.scan(file.path, by: end)
        guard outcome.isWhole else { throw .unread(path: file.path, seconds: patience) }
        return outcome.runs
    }

    private static func oldestRecord(_ logs: [DataFile], by end: ContinuousClock.Instant) throws(FileError)
        -> Zxid?
    {
        for file in logs {
            if let first = try ZxidSet(runs(of: file, by: end)).ranges.first {
                return first.first
            }
        }
        return nil
    }

    private static func newestSnapshot(_ directory: String, by end: ContinuousClock.Instant)
        throws(FileError) -> Zxid?
    {
        for file in try DataFile.list(directory).snapshots.read.reversed() {
            let open = try OpenFile(regular: file.path)
            switch try SnapshotReading(open, SnapshotFile.form(of: file.name)).goOn(until: end) {
            case .complete: return file.zxid
            case .incomplete: continue
            case .unfinished: throw .unread(path: file.path, seconds: patience)
            }
        }
        return nil
    }
}
