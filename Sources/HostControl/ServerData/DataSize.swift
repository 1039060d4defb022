import ControlProtocol
import Glibc
import Topology

/// What a server's history takes on disk, as far as one that begins from it needs it.
enum DataSize {
    /// The newest snapshot, and the logs that can hold a transaction after it.
    ///
    /// Nil when a directory cannot be listed; 0 when there is nothing.
    static func read(dataDir: String, logDir: String) -> UInt64? {
        guard let snapshots = files("snapshot", in: dataDir + "/version-2"),
            let logs = files("log", in: logDir + "/version-2")
        else { return nil }
        let newest = snapshots.max { $0.zxid < $1.zxid }
        let base = newest?.zxid ?? 0
        // A log is named after its first transaction: the one before the snapshot can go beyond it.
        let first = logs.filter { $0.zxid <= base }.map(\.zxid).max() ?? 0
        let logged = logs.filter { $0.zxid >= first }.reduce(UInt64(0)) { $0.plus(saturating: $1.bytes) }
        return min(logged.plus(saturating: newest?.bytes ?? 0), Bound.bytes.upperBound)
    }

    private static func files(_ kind: String, in directory: String) -> [(zxid: UInt64, bytes: UInt64)]? {
        do throws(FileError) {
            let directory = try OpenDirectory(opening: directory)
            var found: [(zxid: UInt64, bytes: UInt64)] = []
            for name in try directory.names() {
                let parts = name.split(separator: ".", omittingEmptySubsequences: false)
                guard parts.count >= 2, parts[0] == kind, let zxid = UInt64(parts[1], radix: 16),
                    // One that was purged meanwhile takes nothing. Blocks of 512 bytes: logs are allocated ahead.
                    let file = try FilePlace(directory, name).attributes()
                else { continue }
                found.append((zxid, UInt64(max(0, file.st_blocks)).times(saturating: 512)))
            }
            return found
        } catch .unavailable(_, _, code: ENOENT) {
            return []
        } catch {
            return nil
        }
    }
}
