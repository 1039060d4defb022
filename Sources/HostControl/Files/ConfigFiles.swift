package import ControlProtocol
import FoundationEssentials
import Glibc
package import Logging
import Logs
import SystemCalls

/// The configuration files that the agent's own configuration allows, and nothing else.
///
/// Both changes are desired ends: a write whose content is already there and a restore of what is already
/// restored succeed without touching the file. A symbolic link at an allowed path is kept: its target changes, if
/// `PathWalk` lets the link be followed.
package struct ConfigFiles: Sendable {
    private let allowed: Set<String>
    private let backups: FileBackups
    private let log: Logger

    /// `backups` is a directory of the agent's own; it is made when first needed.
    package init(allowed: [String], backups: String, log: Logger = .silent) {
        self.log = log
        self.allowed = Set(allowed)
        self.backups = FileBackups(directory: backups)
    }

    package func state(of path: String) throws(FileError) -> FileState {
        try admit(path)
        return try FileInspection.read(path, listed: allowed).state
    }

    package func read(_ path: String) throws(FileError) -> FileContent {
        try admit(path)
        let found = try FileInspection.read(path, listed: allowed)
        return FileContent(state: found.state, content: found.content)
    }

    /// A file as it was before this run first wrote to it, from the backup that was made then.
    package func original(of path: String, run: RunID) throws(FileError) -> FileContent {
        try admit(path)
        guard let backup = try backups.read(path, run: run) else {
            throw .refused(
                .invalid(reason: "run \(run) never wrote to \(path), so there is no original of it")
            )
        }
        let meta = backup.meta
        let state = FileState(
            path: path,
            digest: meta.digest,
            size: meta.existed ? backup.content.count : nil,
            mode: meta.attributes?.mode,
            owner: meta.attributes?.owner,
            group: meta.attributes?.group,
            symlinkTarget: meta.symlinkTarget,
            changedAt: nil
        )
        return FileContent(state: state, content: meta.existed ? backup.content : nil)
    }

    /// Replaces the content if it is what the command expected, after keeping a backup on the run's first write.
    ///
    /// Owner and mode stay. A new file gets mode 0644 and the owner and group of its directory, so that a
    /// service reads what lies in a directory of its own.
    package func write(_ write: FileWrite, run: RunID) throws(FileError) -> FileState {
        try admit(write.path)
        guard write.content.count <= FileInspection.sizeLimit else {
            throw .refused(.invalid(reason: "\(write.path) would be over \(FileInspection.sizeLimit) bytes"))
        }
        let lock = try lock()
        defer { withExtendedLifetime(lock) {} }
        let found = try FileInspection.read(write.path, listed: allowed)
        guard let target = found.target else {
            if found.entry == nil {
                throw .unavailable(operation: "open the directory of", path: write.path, code: ENOENT)
            }
            throw .refused(.invalid(reason: "\(write.path) is a symbolic link to nothing; mend it first"))
        }
        try AtomicFile.discardLeftover(of: target)
        let desired = write.digest
        guard found.state.digest == desired || found.state.digest == write.expected else {
            throw .refused(
                .fileChanged(path: write.path, expected: write.expected, found: found.state.digest)
            )
        }
        try backups.keep(found, run: run)
        if found.state.digest == desired {
            try AtomicFile.confirmDirectory(of: target)
            log.debug("file is as asked for", fields: ["path": write.path, "run": run.description])
        } else {
            // Mode 0644 and the directory's owner for a new file.
            let attributes =
                found.attributes
                ?? AtomicFile.Attributes(
                    mode: 0o644,
                    owner: target.directory.found.owner,
                    group: target.directory.found.group
                )
            try AtomicFile.replace(target, with: write.content, attributes) { () throws(FileError) in
                try confirm(found, expected: write.expected)
            }
        }
        let state = try readBack(write.path, digest: desired)
        if found.state.digest != desired { tell("file written", state, run) }
        return state
    }

    /// The last look before a replacement: still what was looked at, at the same place.
    private func confirm(_ found: FileInspection, expected: String?) throws(FileError) {
        let path = found.state.path
        let now = try FileInspection.read(path, listed: allowed)
        guard now.state.digest == found.state.digest else {
            throw .refused(.fileChanged(path: path, expected: expected, found: now.state.digest))
        }
        guard now.isSame(as: found) else { throw FileInspection.changing(path) }
    }

    /// Puts the file back as it was before this run's first write to it: content, owner, mode, link, absence.
    ///
    /// Only in the very directories in which it lay then: a directory that has since been replaced, or that a
    /// link now leads past, is refused.
    package func restore(_ restore: FileRestore, run: RunID) throws(FileError) -> FileState {
        let path = restore.path
        try admit(path)
        let lock = try lock()
        defer { withExtendedLifetime(lock) {} }
        guard let backup = try backups.read(path, run: run) else {
            throw .refused(
                .invalid(reason: "run \(run) never wrote to \(path), so there is nothing to restore")
            )
        }
        let meta = backup.meta
        let found = try FileInspection.read(path, listed: allowed)
        let entry = try Self.same(found.entry, meta.directory, path)
        let target =
            meta.symlinkTarget == nil
            ? entry : try Self.same(Self.walk(meta.resolved), meta.resolvedDirectory, path)
        let check = { () throws(FileError) in
            let now = try FileInspection.read(path, listed: allowed)
            _ = try Self.same(now.entry, meta.directory, path)
            guard now.isSame(as: found) else { throw FileInspection.changing(path) }
        }
        try AtomicFile.discardLeftover(of: target)
        if let attributes = meta.attributes {
            if !Self.matches(found, meta) {
                try AtomicFile.replace(target, with: backup.content, attributes, check: check)
                if let link = meta.symlinkTarget, found.state.symlinkTarget != link {
                    try AtomicFile.replaceLink(entry, with: link) { () throws(FileError) in
                        let now = try FileInspection.read(path, listed: allowed)
                        _ = try Self.same(now.entry, meta.directory, path)
                    }
                }
            }
        } else {
            try check()
            try AtomicFile.remove(entry)
        }
        let state = try readBack(path, digest: meta.digest)
        tell("file restored", state, run)
        return state
    }

    /// Digests stand for contents.
    private func tell(_ message: String, _ state: FileState, _ run: RunID) {
        log.info(
            message,
            fields: ["path": state.path, "run": run.description, "digest": state.digest ?? "-"]
        )
    }

    private static func same(_ place: FilePlace?, _ identity: FileIdentity, _ path: String)
        throws(FileError) -> FilePlace
    {
        guard let place, place.directory.identity == identity else {
            throw .refused(
                .invalid(
                    reason: "the directory of \(path) is not the one in which this run changed the file; "
                        + "nothing was touched; put the file back by hand"
                )
            )
        }
        return place
    }

    /// Nil when there is no such directory any more, or a symbolic link on the way to it.
    private static func walk(_ path: String) throws(FileError) -> FilePlace? {
        do throws(FileError) {
            return try FilePlace(walking: path)
        } catch .unavailable(_, _, code: ENOENT), .unavailable(_, _, code: ELOOP),
            .unavailable(_, _, code: ENOTDIR)
        {
            return nil
        }
    }

    private static func matches(_ found: FileInspection, _ meta: FileBackups.Meta) -> Bool {
        found.state.digest == meta.digest && found.attributes == meta.attributes
            && found.state.symlinkTarget == meta.symlinkTarget && found.resolved == meta.resolved
    }

    /// What the disk says decides, not that no call failed.
    private func readBack(_ path: String, digest: String?) throws(FileError) -> FileState {
        let state = try FileInspection.read(path, listed: allowed).state
        guard state.digest == digest else {
            throw .unconfirmed(operation: "read back what was written to", path: path, code: EIO)
        }
        return state
    }

    /// Exact text against the allow-list; `.` and `..` are refused even if somebody allowed them.
    private func admit(_ path: String) throws(FileError) {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard path.utf8.first == UInt8(ascii: "/"), !path.utf8.contains(0),
            parts.dropFirst().allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." })
        else { throw .refused(.invalid(reason: "'\(path)' is not a plain absolute path")) }
        guard allowed.contains(path) else {
            throw .refused(.notAllowed(reason: "\(path) is not in the agent's list of files"))
        }
    }

    /// One change at a time, also between two agents started by mistake; whoever hangs in one holds nobody up for ever.
    private func lock() throws(FileError) -> FileLock {
        try FileBackups.makeDirectories(backups.directory)
        let path = backups.directory + "/lock"
        do throws(FileLock.Failure) {
            return try FileLock(path, whenHeld: .within(OrderStore.patience))
        } catch {
            switch error {
            case .unopened(let code): throw .unavailable(operation: "open", path: path, code: code)
            case .held: throw .unavailable(operation: "lock", path: path, code: EWOULDBLOCK)
            case .unlockable(let code): throw .unavailable(operation: "lock", path: path, code: code)
            }
        }
    }
}
