import ControlProtocol
import FoundationEssentials
import Glibc
import SystemCalls

/// What a file was before a run first wrote to it; kept in `<directory>/<run>/<encoded path>/`.
///
/// A backup is built under another name and renamed when all of it is on disk, so that one that can be
/// found is complete. It is never written a second time.
struct FileBackups {
    /// `meta.json`: everything but the content.
    struct Meta: Hashable, Codable, Bounded {
        let path: String
        let existed: Bool
        /// The file that holds the content: `path`, or what the symbolic link at `path` led to.
        let resolved: String
        let symlinkTarget: String?
        /// The directory in which `path` itself lay.
        let directory: FileIdentity
        /// The directory in which the content lay.
        let resolvedDirectory: FileIdentity
        let attributes: AtomicFile.Attributes?
        let digest: String?

        func check() throws(OutOfBounds) { try check("attributes.mode", attributes?.mode, Bound.permissions) }
    }

    struct Backup {
        let meta: Meta
        let content: Data
    }

    let directory: String

    /// Keeps `found` unless the run has a backup of this path already, which must then be sound.
    func keep(_ found: FileInspection, run: RunID) throws(FileError) {
        let path = found.state.path
        guard try read(path, run: run) == nil else { return }
        guard let entry = found.entry, let target = found.target else {
            throw .unavailable(operation: "open the directory of", path: path, code: ENOENT)
        }
        let place = place(of: path, run: run)
        let parent = AtomicFile.directory(of: place)
        let partial = place + "+partial"
        let meta = Meta(
            path: path,
            existed: found.content != nil,
            resolved: found.resolved ?? path,
            symlinkTarget: found.state.symlinkTarget,
            directory: entry.directory.identity,
            resolvedDirectory: target.directory.identity,
            attributes: found.attributes,
            digest: found.state.digest
        )
        try Self.makeDirectories(parent)
        try Self.discard(partial)
        try Self.makeDirectory(partial)
        try Self.write(found.content ?? Data(), to: partial + "/content")
        try Self.write(try encode(meta), to: partial + "/meta.json")
        try Self.flush(directory: partial)
        guard rename(partial, place) == 0 else {
            throw .unavailable(operation: "keep the backup", path: place, code: errno)
        }
        try Self.flush(directory: parent)
    }

    /// Nil when this run never wrote to `path`.
    func read(_ path: String, run: RunID) throws(FileError) -> Backup? {
        let place = place(of: path, run: run)
        let damaged = { (reason: String) in FileError.damagedBackup(path: path, backup: place, reason: reason)
        }
        var found = stat()
        guard lstat(place, &found) == 0 else {
            guard errno == ENOENT else { throw .unavailable(operation: "examine", path: place, code: errno) }
            return nil
        }
        let meta: Meta
        let content: Data
        do {
            let text = try OpenFile(regular: place + "/meta.json").content(limit: FileInspection.sizeLimit)
            switch SealedJSON.open(text) {
            // A backup is never written again, also not one that an earlier version made without a checksum.
            case .sound(let object), .unsealed(let object):
                meta = try WireJSON.decode(Meta.self, from: Data(object))
            case .damaged: throw damaged("the checksum of meta.json does not match")
            }
            content = try OpenFile(regular: place + "/content").content(limit: FileInspection.sizeLimit)
        } catch let error as FileError {
            if case .damagedBackup = error { throw error }
            throw damaged(error.description)
        } catch {
            throw damaged("meta.json cannot be understood: \(error)")
        }
        guard meta.path == path else { throw damaged("it is of \(meta.path)") }
        guard meta.existed == (meta.digest != nil), meta.existed == (meta.attributes != nil) else {
            throw damaged("meta.json contradicts itself")
        }
        let digest = meta.existed ? ContentDigest.sha256(content) : nil
        guard digest == meta.digest else {
            throw damaged("its content has digest \(digest ?? "(none)"), not \(meta.digest ?? "(none)")")
        }
        return Backup(meta: meta, content: content)
    }

    private func place(of path: String, run: RunID) -> String {
        directory + "/" + run.description + "/" + Self.encoded(path)
    }

    /// One file name for a path: every byte that is not a letter, digit, `.`, `-` or `_` becomes `%XX`.
    static func encoded(_ path: String) -> String {
        path.utf8.reduce(into: "") { text, byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"),
                UInt8(ascii: "_"):
                text.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                text += byte < 16 ? "%0" : "%"
                text += String(byte, radix: 16, uppercase: true)
            }
        }
    }

    private func encode(_ meta: Meta) throws(FileError) -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        do {
            return Data(SealedJSON.seal(try encoder.encode(meta)))
        } catch {
            throw .unavailable(operation: "describe the backup of", path: meta.path, code: EINVAL)
        }
    }
}

extension FileBackups {
    private static func write(_ content: Data, to path: String) throws(FileError) {
        let file = try OpenFile(path, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
        try file.write(content)
        try file.synchronize()
    }

    private static func flush(directory: String) throws(FileError) {
        try OpenFile(directory, O_RDONLY | O_DIRECTORY).synchronize()
    }

    /// Removes what an interrupted backup left; it holds at most the two files.
    private static func discard(_ partial: String) throws(FileError) {
        unlink(partial + "/content")
        unlink(partial + "/meta.json")
        guard rmdir(partial) == 0 || errno == ENOENT else {
            throw .unavailable(operation: "remove", path: partial, code: errno)
        }
    }

    private static func makeDirectory(_ path: String) throws(FileError) {
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
            throw .unavailable(operation: "make the directory", path: path, code: errno)
        }
    }

    /// Makes `path` and what leads to it; backups may hold secrets, so nobody else may look.
    static func makeDirectories(_ path: String) throws(FileError) {
        var missing: [String] = []
        var current = path
        var found = stat()
        while current != "/", current != ".", stat(current, &found) != 0 {
            missing.append(current)
            current = AtomicFile.directory(of: current)
        }
        for directory in missing.reversed() {
            try makeDirectory(directory)
            try flush(directory: AtomicFile.directory(of: directory))
        }
    }
}
