import ControlProtocol
import FoundationEssentials
import Glibc
import Topology

/// A snapshot or log, known by its name, as ZooKeeper goes by names: `log.5.copy` is a log to it from 3.6 on.
struct DataFile: Hashable {
    enum Kind: String {
        case snapshot
        case log
    }

    let kind: Kind
    let zxid: Zxid
    let name: String
    let path: String

    /// Nil for a name that ZooKeeper passes over.
    init?(name: String, in directory: String) {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count >= 2, let kind = Kind(rawValue: String(parts[0])),
            let zxid = Int64(parts[1], radix: 16), zxid >= 0
        else { return nil }
        self.kind = kind
        self.zxid = Zxid(UInt64(zxid))
        self.name = name
        path = directory + "/" + name
    }

    /// Whether 3.4 and 3.5 pass over this name, and later ones read it: what was moved aside, or copied, right there.
    ///
    /// Not those that servers write themselves: a compressed snapshot, and one in the making (`snapshot.5.tmp`).
    var isSpare: Bool {
        var parts = name.split(separator: ".", omittingEmptySubsequences: false)[2...]
        // Java's split drops them.
        while parts.last?.isEmpty == true { parts.removeLast() }
        guard kind == .snapshot else { return !parts.isEmpty }
        if parts.last == "tmp" { parts.removeLast() }
        if parts.last == "gz" || parts.last == "snappy" { parts.removeLast() }
        return !parts.isEmpty
    }

    /// For those who may not see what others put into a name.
    var shownPath: String {
        let directory = path.dropLast(name.utf8.count + 1)
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        let number = "\(directory)/\(kind.rawValue).\(String(zxid.value, radix: 16))"
        let isUsual = parts[2...].allSatisfy { ["tmp", "gz", "snappy"].contains($0) }
        return isUsual ? number + parts[2...].map { ".\($0)" }.joined() : number + ".*"
    }

    /// Every snapshot and log of a `version-2` in ascending order; an absent directory holds none.
    static func list(_ directory: String) throws(FileError) -> [DataFile] {
        do throws(FileError) {
            return files(try OpenDirectory(opening: directory).names(), in: directory)
        } catch .unavailable(_, _, code: ENOENT) {
            // A server cannot make what a link promises; and what the link was to lead to may hold data.
            if let link = danglingLink(on: directory) {
                throw .refused(.invalid(reason: "\(link) is a link that leads nowhere"))
            }
            return []
        } catch {
            throw error
        }
    }

    private static func danglingLink(on path: String) -> String? {
        var current = path
        var found = stat()
        while current.utf8.count > 1, stat(current, &found) != 0 {
            if lstat(current, &found) == 0, found.st_mode & S_IFMT == S_IFLNK { return current }
            current = AtomicFile.directory(of: current)
            if current == "." { return nil }
        }
        return nil
    }

    static func files(_ names: [String], in directory: String) -> [DataFile] {
        names.compactMap { DataFile(name: $0, in: directory) }
            .sorted { ($0.zxid, $0.path) < ($1.zxid, $1.path) }
    }
}

extension [DataFile] {
    var snapshots: [DataFile] { filter { $0.kind == .snapshot } }
    var logs: [DataFile] { filter { $0.kind == .log } }
    /// What every version reads: of the others nothing may be concluded, neither that it is there nor that it is not.
    var read: [DataFile] { filter { !$0.isSpare } }

    /// The logs that ZooKeeper reads after a snapshot of this zxid: the last that begins at or before it, and all
    /// that begin later.
    func logs(after snapshot: Zxid) -> [DataFile] {
        let later = logs.filter { $0.zxid > snapshot }
        return [logs.last { $0.zxid <= snapshot }].compactMap { $0 } + later
    }
}
