package import ControlProtocol
import Glibc
import Topology

/// Keeps a stopped server's data while a division can still go wrong.
///
/// The copies lie beside `version-2`, where ZooKeeper passes over them: `mitosis-RUN/version-2` in the data directory,
/// `mitosis-RUN/version-2-logs` in the log directory when that is another one. Both directories are the server's
/// account's, the agent is root: everything is done in directories held open, nothing through a link.
package struct DataCopy: Sendable {
    package struct Kept: Hashable, Sendable {
        /// Files of which the copy has the very content, because ZooKeeper never writes to them again.
        package internal(set) var linked = 0
        package internal(set) var copied = 0
        /// As they lie on the disk, without what was only allocated ahead.
        package internal(set) var bytes: UInt64 = 0
    }

    package struct Discarded: Hashable, Sendable {
        package let files: Int
        /// What `setAside` put there, which is no copy.
        package let left: [String]
    }

    /// A moment between two steps; tests change the directories in it.
    enum Moment: Hashable {
        case opened
        case examined(String)
        case built
    }

    static let copyName = "version-2"
    static let logCopyName = "version-2-logs"

    private let dataDir: String
    private let logDir: String
    private let at: @Sendable (Moment) -> Void

    package init(dataDir: String, logDir: String) { self.init(dataDir: dataDir, logDir: logDir) { _ in } }

    init(dataDir: String, logDir: String, at moment: @escaping @Sendable (Moment) -> Void) {
        self.dataDir = dataDir
        self.logDir = logDir
        at = moment
    }

    /// Keeps a copy of everything that the server would load, and replaces an older or unfinished one of this run.
    ///
    /// What is found under its name is complete and on the disk; when this fails, an older copy is still there.
    package func keep(run: RunID) throws(FileError) -> Kept {
        let (data, log) = try directories()
        at(.opened)
        let versioned = try self.versioned(data)
        let logged = try log.map { log throws(FileError) in try self.versioned(log) }
        let work = try DataCopyWork(versioned, logged ?? versioned, at)
        let folder = try RunFolder(making: run, in: data)
        let logFolder = try log.map { log throws(FileError) in try RunFolder(making: run, in: log) }
        // The logs first: the copy in the data directory stands for both.
        if let logFolder { try work.build(.logs, Self.logCopyName, in: logFolder) }
        try work.build(logFolder == nil ? .everything : .snapshots, Self.copyName, in: folder)
        at(.built)
        if let logFolder { try work.publish(Self.logCopyName, in: logFolder) }
        try work.publish(Self.copyName, in: folder)
        return work.kept
    }

    /// Removes the copies of this run; refuses, with nothing removed, where something lies that it did not make.
    package func discard(run: RunID) throws(FileError) -> Discarded {
        let (data, log) = try directories()
        var folders: [(RunFolder, CopyFolder)] = []
        if let folder = try RunFolder(existing: run, in: data) {
            folders.append((folder, try CopyFolder(folder.folder, copy: Self.copyName)))
        }
        if let log, let folder = try RunFolder(existing: run, in: log) {
            folders.append((folder, try CopyFolder(folder.folder, copy: Self.logCopyName)))
        }
        var (files, left): (Int, [String]) = (0, [])
        for (folder, content) in folders {
            files += try content.removeCopies()
            left += content.setAside.map { "\(folder.place.path)/\($0)" }
            guard content.setAside.isEmpty else { continue }
            try folder.confirm()
            try folder.place.removeDirectory()
            try folder.place.directory.synchronize()
        }
        return Discarded(files: files, left: left)
    }

    /// Moves `version-2` of both directories to `mitosis-RUN/set-aside-N`, so that the server starts empty.
    ///
    /// Gives N; nil when there is nothing to move. Only the names change. The snapshots go first: a server that finds
    /// logs alone does not start, one that finds snapshots alone would start with less than it had. What a crash
    /// left half moved is moved to its own half.
    package func setAside(run: RunID) throws(FileError) -> Int? {
        let (data, log) = try directories()
        at(.opened)
        let source = try existing(data)
        let logSource = try log.flatMap { log throws(FileError) in try existing(log) }
        guard source != nil || logSource != nil else { return nil }
        let folder = try RunFolder(making: run, in: data)
        let logFolder = try log.map { log throws(FileError) in try RunFolder(making: run, in: log) }
        let taken = try Set(CopyFolder.numbers(folder.folder))
        let logTaken =
            try logFolder.map { log throws(FileError) in Set(try CopyFolder.numbers(log.folder)) } ?? []
        let next = (taken.union(logTaken).max() ?? 0) + 1
        let number = source == nil ? taken.subtracting(logTaken).max() ?? next : next
        if let source { try move(source, to: number, in: folder) }
        if let logSource, let logFolder { try move(logSource, to: number, in: logFolder) }
        return number
    }

    private func move(_ source: OpenDirectory, to number: Int, in folder: RunFolder) throws(FileError) {
        let place = FilePlace(folder.place.directory, Self.copyName)
        let target = FilePlace(folder.folder, CopyFolder.setAsideName(number))
        at(.examined(source.path))
        do throws(FileError) {
            try place.rename(to: target, "set aside")
        } catch .unavailable(_, _, code: EXDEV) {
            throw .refused(
                .invalid(
                    reason: "\(place.path) lies on a file system of its own; set its content aside by hand"
                )
            )
        }
        guard try target.identity() == source.identity else {
            // Whatever was put there meanwhile; it is no concern of ours.
            try target.rename(to: place, "put back")
            throw RunFolder.refusal(place.path, "was put in the place of the server's directory meanwhile")
        }
        do throws(FileError) {
            try folder.confirm()
            try folder.folder.synchronize()
            try folder.place.directory.synchronize()
        } catch .unavailable(let operation, let path, let code) {
            throw .unconfirmed(operation: operation, path: path, code: code)
        }
    }

    /// The log directory is nil when it is the data directory, by whatever path.
    private func directories() throws(FileError) -> (data: OpenDirectory, log: OpenDirectory?) {
        let data = try OpenDirectory(opening: dataDir)
        guard logDir != dataDir else { return (data, nil) }
        let log = try OpenDirectory(opening: logDir)
        return (data, log.identity == data.identity ? nil : log)
    }

    private func versioned(_ directory: OpenDirectory) throws(FileError) -> OpenDirectory {
        guard let found = try existing(directory) else {
            throw .refused(
                .invalid(reason: "\(directory.path)/version-2 does not exist: there is nothing to keep")
            )
        }
        return found
    }

    private func existing(_ directory: OpenDirectory) throws(FileError) -> OpenDirectory? {
        let place = FilePlace(directory, "version-2")
        do throws(FileError) {
            return try OpenDirectory(place)
        } catch .unavailable(_, _, code: ENOENT) {
            return nil
        } catch .unavailable(_, _, code: ELOOP), .unavailable(_, _, code: ENOTDIR) {
            throw RunFolder.refusal(place.path, "is no directory, or a link to one")
        } catch {
            throw error
        }
    }
}
