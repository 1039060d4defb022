import ControlProtocol
import Glibc
import SystemCalls

/// Puts staged files into their places, all or none, and back.
///
/// Each step can be done twice: a crash in it is followed by the same step again.
struct FilePlacing: Sendable {
    let places: HostPlaces

    /// Copies what is about to be replaced, and writes down what is about to happen; changes nothing else.
    func begin(
        _ files: [ProvisionedFile],
        holds: [InstallJournal.Hold] = [],
        wasEnabled: Bool,
        wasActive: Bool,
        lapse: InstallJournal.Former? = nil,
        state: String
    ) throws(ProvisionFailure) -> InstallJournal {
        var entries: [InstallJournal.Entry] = []
        var folders: [String] = []
        try remove(places.previous)
        guard mkdir(places.previous, 0o700) == 0 else {
            throw .refused(reason: "\(places.previous) cannot be made: \(systemReason())")
        }
        for file in files {
            let path = places.path(of: file)
            var found = stat()
            var formerMode: UInt32?
            if lstat(path, &found) == 0 {
                guard found.st_mode & S_IFMT == S_IFREG else {
                    throw .refused(
                        reason:
                            "\(path) is no plain file, and is not replaced; move it away, or install by hand"
                    )
                }
                formerMode = found.st_mode & 0o7777
                try copy(path, to: places.kept(file), mode: 0o600)
            }
            entries.append(InstallJournal.Entry(file: file, formerMode: formerMode))
            for folder in HostPlaces.missingFolders(to: path) where !folders.contains(folder) {
                folders.append(folder)
            }
        }
        let journal = InstallJournal(
            phase: .placing,
            entries: entries,
            holds: holds,
            folders: folders,
            wasEnabled: wasEnabled,
            wasActive: wasActive,
            lapse: lapse,
            state: state
        )
        try journal.write(places)
        return journal
    }

    /// Every file of the journal, from the staging folder.
    func place(_ journal: InstallJournal) throws(ProvisionFailure) {
        for folder in journal.folders {
            guard mkdir(folder, mode(of: folder)) == 0 || errno == EEXIST else {
                throw .failed(reason: "\(folder) cannot be made: \(systemReason())", isUndone: false)
            }
        }
        for entry in journal.entries {
            try copy(places.staged(entry.file), to: places.path(of: entry.file), mode: entry.file.mode)
        }
    }

    /// As it was before `place`.
    func undo(_ journal: InstallJournal) throws(ProvisionFailure) {
        for entry in journal.entries {
            let path = places.path(of: entry.file)
            if let mode = entry.formerMode {
                try copy(places.kept(entry.file), to: path, mode: mode)
            } else {
                try remove(path)
            }
        }
        for folder in journal.folders.reversed() {
            guard rmdir(folder) == 0 || errno == ENOENT || errno == ENOTEMPTY else {
                throw .failed(reason: "\(folder) cannot be removed: \(systemReason())", isUndone: false)
            }
        }
    }

    /// Nothing is under way any more.
    func end() throws(ProvisionFailure) {
        try remove(places.journal)
        try flush(places.journal)
        try remove(places.staging)
        try remove(places.previous)
    }

    private func mode(of folder: String) -> mode_t {
        folder.hasSuffix("/tls") || folder.hasSuffix(ProvisionedFile.configurationFolder) ? 0o700 : 0o755
    }

    private func copy(_ from: String, to path: String, mode: UInt32) throws(ProvisionFailure) {
        let limit = Int(clamping: ProvisionedFile.binary.sizeLimit)
        let content: [UInt8]
        do throws(BoundedFile.Failure) {
            content = try BoundedFile(reading: from, limit: limit, followingLinks: false).bytes
        } catch {
            throw .failed(reason: "\(from) cannot be read: \(error)", isUndone: false)
        }
        do throws(SystemCallError) {
            try DurableFile.replace(path, with: content, mode: mode)
        } catch {
            throw .failed(reason: "\(path): cannot \(error.call) it: \(error.reason)", isUndone: false)
        }
    }

    private func flush(_ path: String) throws(ProvisionFailure) {
        do throws(SystemCallError) { try DurableFile.flushDirectory(of: path) } catch {
            throw .failed(reason: "\(path): cannot \(error.call) it: \(error.reason)", isUndone: false)
        }
    }

    /// Whatever is there, also a whole folder; a link is removed, never followed.
    func remove(_ path: String) throws(ProvisionFailure) {
        do throws(SystemCallError) { try FileTree.remove(path) } catch {
            throw .failed(reason: "\(path): cannot \(error.call) it: \(error.reason)", isUndone: false)
        }
    }
}
