import ControlProtocol
import FoundationEssentials
import Glibc
import SystemCalls
import Topology

/// One copy in the making.
///
/// What ZooKeeper may write to in place is copied: when a leader cuts its history back, a server truncates the log in
/// which the cut lies, and a server that starts without anything new writes its newest snapshot again, under the same
/// name into the same file. Everything else it only adds or removes, so that a hard link keeps it.
final class DataCopyWork {
    enum Part {
        case everything
        case snapshots
        case logs
    }

    private struct Item {
        let name: String
        let source: OpenDirectory
        let isLog: Bool
        let isCopied: Bool
    }

    private let versioned: OpenDirectory
    private let logged: OpenDirectory
    private let at: (DataCopy.Moment) -> Void
    private let items: [Item]
    /// File systems on which there is room for all that is copied to them.
    private var roomy: Set<UInt64> = []
    private(set) var kept = DataCopy.Kept()

    init(
        _ versioned: OpenDirectory,
        _ logged: OpenDirectory,
        _ moment: @escaping (DataCopy.Moment) -> Void
    ) throws(FileError) {
        self.versioned = versioned
        self.logged = logged
        at = moment
        let names = try versioned.names()
        let snapshots = DataFile.files(names, in: versioned.path).snapshots
        let logs = DataFile.files(versioned === logged ? names : try logged.names(), in: logged.path).logs
        let newest = try Self.newest(snapshots, in: versioned)
        let loaded = logs.logs(after: newest ?? Zxid(0))
        let before = logs.last { log in loaded.first.map { log.zxid < $0.zxid } ?? true }
        let copied = Set((loaded + [before].compactMap { $0 }).map(\.name))
        let isLast = try newest.map { newest throws(FileError) in
            try !Self.isFollowed(newest, by: loaded, in: logged)
        }
        items =
            names.filter { CopyFolder.smallFiles.contains($0) }
            .map { Item(name: $0, source: versioned, isLog: false, isCopied: true) }
            + snapshots.map { file in
                let isWritten = newest.map { file.zxid > $0 || file.zxid == $0 && isLast ?? true } ?? true
                return Item(name: file.name, source: versioned, isLog: false, isCopied: isWritten)
            }
            + logs.map {
                Item(name: $0.name, source: logged, isLog: true, isCopied: copied.contains($0.name))
            }
    }

    /// Makes the copy under another name; what an earlier attempt left there is removed.
    func build(_ part: Part, _ name: String, in folder: RunFolder) throws(FileError) {
        let place = FilePlace(folder.folder, CopyFolder.unfinished(name))
        try CopyFolder.remove(place.name, in: folder.folder)
        do throws(FileError) {
            guard mkdirat(folder.folder.descriptor, place.name, 0o700) == 0 else {
                throw .unavailable(operation: "make the directory", path: place.path, code: errno)
            }
            let target = try OpenDirectory(place)
            for item in items {
                switch part {
                case .everything: break
                case .snapshots: if item.isLog { continue }
                case .logs: if !item.isLog { continue }
                }
                try take(item, to: target)
            }
            try adopt(target, like: part == .logs ? logged : versioned)
            try target.synchronize()
        } catch {
            do throws(FileError) {
                try CopyFolder.remove(place.name, in: folder.folder)
            } catch {
                // The next `keep` or `discard` removes it; what stopped this one says more.
            }
            throw error
        }
    }

    /// Gives the copy its name; one that had it before goes.
    func publish(_ name: String, in folder: RunFolder) throws(FileError) {
        let old = CopyFolder.replaced(name)
        try CopyFolder.remove(old, in: folder.folder)
        let place = FilePlace(folder.folder, name)
        let previous = try place.identity()
        if previous != nil { try place.rename(to: FilePlace(folder.folder, old), "replace") }
        try FilePlace(folder.folder, CopyFolder.unfinished(name)).rename(to: place, "keep")
        try folder.confirm()
        do throws(FileError) {
            try folder.folder.synchronize()
        } catch .unavailable(let operation, let path, let code) {
            throw .unconfirmed(operation: operation, path: path, code: code)
        }
        if previous != nil { try CopyFolder.remove(old, in: folder.folder) }
    }

    private func take(_ item: Item, to target: OpenDirectory) throws(FileError) {
        let source = FilePlace(item.source, item.name)
        let file: OpenFile
        do throws(FileError) {
            file = try OpenFile(source, O_RDONLY)
        } catch .unavailable(_, _, code: ELOOP), .unavailable(_, _, code: ENXIO) {
            throw RunFolder.refusal(source.path, "is no plain file")
        }
        let attributes = try file.attributes()
        guard attributes.st_mode & S_IFMT == S_IFREG else {
            throw RunFolder.refusal(source.path, "is no plain file")
        }
        at(.examined(item.name))
        let place = FilePlace(target, item.name)
        if !item.isCopied, try link(source, FileIdentity(attributes), to: place) {
            kept.linked += 1
            return
        }
        try copy(file, attributes, to: place)
        kept.copied += 1
        kept.bytes += Self.size(attributes)
    }

    /// False where the file system makes no further link, so that a copy must do.
    private func link(_ source: FilePlace, _ identity: FileIdentity, to place: FilePlace) throws(FileError)
        -> Bool
    {
        let result = linkat(
            source.directory.descriptor,
            source.name,
            place.directory.descriptor,
            place.name,
            0
        )
        guard result == 0 else {
            if [EXDEV, EMLINK, EPERM, EOPNOTSUPP].contains(errno) { return false }
            throw .unavailable(operation: "link", path: source.path, code: errno)
        }
        guard try place.identity() == identity else {
            try place.remove()
            throw RunFolder.refusal(source.path, "was put in the place of the server's file meanwhile")
        }
        return true
    }

    private func copy(_ file: borrowing OpenFile, _ attributes: stat, to place: FilePlace) throws(FileError) {
        let copy = try OpenFile(place, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
        if !FileCopy.shares(file, with: copy) {
            try checkRoom(place)
            try FileCopy.copy(file, to: copy)
        }
        // The owner first: changing it clears bits of the mode.
        guard fchown(copy.descriptor, attributes.st_uid, attributes.st_gid) == 0,
            fchmod(copy.descriptor, attributes.st_mode & 0o777) == 0
        else { throw .unavailable(operation: "give its owner and mode to", path: place.path, code: errno) }
        var times = [attributes.st_atim, attributes.st_mtim]
        futimens(copy.descriptor, &times)
        try copy.synchronize()
    }

    private func adopt(_ directory: OpenDirectory, like other: OpenDirectory) throws(FileError) {
        var found = stat()
        guard fstat(other.descriptor, &found) == 0,
            fchown(directory.descriptor, found.st_uid, found.st_gid) == 0,
            fchmod(directory.descriptor, found.st_mode & 0o777) == 0
        else {
            throw .unavailable(operation: "give its owner and mode to", path: directory.path, code: errno)
        }
    }

    /// Once, for all that is copied to this file system, before the first byte.
    private func checkRoom(_ place: FilePlace) throws(FileError) {
        let device = place.directory.identity.device
        guard !roomy.contains(device) else { return }
        var needed: UInt64 = 1 << 20
        for item in items where item.isCopied && item.source.identity.device == device {
            let attributes = try FilePlace(item.source, item.name).attributes()
            needed = needed.plus(saturating: attributes.map { Self.size($0) } ?? 0)
        }
        var found = statvfs()
        guard fstatvfs(place.directory.descriptor, &found) == 0 else {
            throw .unavailable(operation: "look for room around", path: place.path, code: errno)
        }
        let free = UInt64(found.f_bavail).times(saturating: UInt64(found.f_frsize))
        guard free >= needed else {
            throw .refused(
                .invalid(
                    reason:
                        "keeping the data in \(place.directory.path) takes \(needed >> 10) KiB, and \(free >> 10) KiB "
                        + "are free there; make room and repeat"
                )
            )
        }
        roomy.insert(device)
    }

    /// Without holes.
    private static func size(_ attributes: stat) -> UInt64 {
        UInt64(max(0, min(attributes.st_size, attributes.st_blocks.times(saturating: 512))))
    }

    /// By its marks, which a compressed one bears from the beginning: that one is read.
    private static func newest(_ snapshots: [DataFile], in directory: OpenDirectory) throws(FileError)
        -> Zxid?
    {
        for file in snapshots.reversed() {
            do throws(FileError) {
                let open = try OpenFile(FilePlace(directory, file.name), O_RDONLY)
                let form = SnapshotFile.form(of: file.name)
                let isTaken =
                    form == .plain
                    ? try SnapshotFile.hasMarks(open, form) : try SnapshotFile.isComplete(open, form)
                if isTaken { return file.zxid }
            } catch {
                // It is refused by name when it is to be kept.
            }
        }
        return nil
    }

    /// Whether the logs go on after the snapshot, so that a server that starts writes another one.
    private static func isFollowed(
        _ snapshot: Zxid,
        by logs: [DataFile],
        in directory: OpenDirectory
    ) throws(FileError) -> Bool {
        for file in logs.reversed() {
            do throws(FileError) {
                let open = try OpenFile(FilePlace(directory, file.name), O_RDONLY)
                if try TransactionLog.goesOn(open, after: snapshot) { return true }
            } catch {
                // It is refused by name when it is to be kept.
            }
        }
        return false
    }
}
