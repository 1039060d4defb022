package import ControlProtocol
import Glibc
package import Topology

/// Tells whether transactions are in a server's history, from its files, while the server runs or not.
package enum HistoryReader {
    /// Listings are taken again when a server at work has removed one of the files meanwhile.
    private static let attempts = 3

    /// Blocks for as long as it takes to read the logs from the one in which the oldest of `zxids` would lie.
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
        for _ in 1..<attempts {
            do throws(FileError) {
                return try look(for: zxids, dataDir + "/version-2", logDir + "/version-2")
            } catch .unavailable(_, _, code: ENOENT) {
                continue
            } catch {
                throw error
            }
        }
        return try look(for: zxids, dataDir + "/version-2", logDir + "/version-2")
    }

    private static func look(for zxids: [Zxid], _ dataDir: String, _ logDir: String) throws(FileError)
        -> [Zxid: Presence]
    {
        // What a snapshot holds may be purged from the logs at any moment, so the snapshots are listed last.
        let logs = try DataFile.list(logDir).logs
        var presence: [Zxid: Presence] = [:]
        var sought = Set(zxids)
        if let oldest = sought.min() {
            for file in logs.logs(after: oldest) where !sought.isEmpty {
                let logged = ZxidSet(try TransactionLog.scan(file.path).runs)
                for zxid in sought where logged.contains(zxid) {
                    presence[zxid] = .logged
                    sought.remove(zxid)
                }
            }
        }
        guard !sought.isEmpty else { return presence }
        let snapshot = try newestSnapshot(dataDir)
        let kept = try oldestRecord(logs)
        for zxid in sought {
            let isCovered = snapshot.map { zxid <= $0 } ?? false
            presence[zxid] = isCovered && kept.map { zxid < $0 } ?? true ? .snapshot : .absent
        }
        return presence
    }

    private static func oldestRecord(_ logs: [DataFile]) throws(FileError) -> Zxid? {
        for file in logs {
            if let first = try ZxidSet(TransactionLog.scan(file.path).runs).ranges.first {
                return first.first
            }
        }
        return nil
    }

    private static func newestSnapshot(_ directory: String) throws(FileError) -> Zxid? {
        for file in try DataFile.list(directory).snapshots.reversed() {
            let open = try OpenFile(regular: file.path)
            if try SnapshotFile.isComplete(open, SnapshotFile.form(of: file.name)) { return file.zxid }
        }
        return nil
    }
}
