import ControlProtocol
import FoundationEssentials
import Glibc

/// A path as it is on disk now: its content with its attributes, read from one open file.
struct FileInspection {
    /// Configuration files are small; anything larger is not one.
    static let sizeLimit = 4 << 20

    /// Nil when the file, or a symbolic link's target, does not exist.
    let content: Data?
    let state: FileState
    /// The file behind a symbolic link; `path` itself otherwise; nil behind a dangling link.
    let resolved: String?

    /// Reads `path`, following symbolic links.
    ///
    /// A directory, device or FIFO is refused.
    static func read(_ path: String) throws(FileError) -> FileInspection {
        let link = try linkTarget(of: path)
        do throws(FileError) {
            let file = try OpenFile(path, O_RDONLY)
            let found = try file.attributes()
            guard found.st_mode & S_IFMT == S_IFREG else {
                throw .refused(.invalid(reason: "\(path) is \(kind(of: found.st_mode)), not a file"))
            }
            let content = try file.content(limit: sizeLimit)
            return FileInspection(
                content: content,
                state: FileState(
                    path: path,
                    digest: ContentDigest.sha256(content),
                    size: content.count,
                    mode: found.st_mode & 0o7777,
                    owner: found.st_uid,
                    group: found.st_gid,
                    symlinkTarget: link,
                    changedAt: Int64(found.st_ctim.tv_sec) * 1000 + Int64(found.st_ctim.tv_nsec) / 1_000_000
                ),
                resolved: link == nil ? path : try realPath(of: path)
            )
        } catch .unavailable(_, _, code: ENOENT) {
            return FileInspection(
                content: nil,
                state: absent(path, link: link),
                resolved: link == nil ? path : nil
            )
        } catch .unavailable(_, _, code: ENXIO) {
            throw .refused(.invalid(reason: "\(path) is a FIFO or a socket, not a file"))
        }
    }

    var attributes: AtomicFile.Attributes? {
        guard let mode = state.mode, let owner = state.owner, let group = state.group else { return nil }
        return AtomicFile.Attributes(mode: mode, owner: owner, group: group)
    }

    static func absent(_ path: String, link: String?) -> FileState {
        FileState(
            path: path,
            digest: nil,
            size: nil,
            mode: nil,
            owner: nil,
            group: nil,
            symlinkTarget: link,
            changedAt: nil
        )
    }

    /// The text of a symbolic link; nil when `path` is none, or does not exist.
    private static func linkTarget(of path: String) throws(FileError) -> String? {
        var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = buffer.withUnsafeMutableBytes { bytes -> Int in
            guard let base = bytes.baseAddress else { return 0 }
            return readlink(path, base.assumingMemoryBound(to: CChar.self), bytes.count)
        }
        if count >= 0 { return String(decoding: buffer[0..<count], as: UTF8.self) }
        switch errno {
        case EINVAL, ENOENT: return nil
        default: throw .unavailable(operation: "read the link", path: path, code: errno)
        }
    }

    private static func realPath(of path: String) throws(FileError) -> String {
        guard let resolved = realpath(path, nil) else {
            throw .unavailable(operation: "resolve", path: path, code: errno)
        }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    private static func kind(of mode: mode_t) -> String {
        switch mode & S_IFMT {
        case S_IFDIR: "a directory"
        case S_IFIFO: "a FIFO"
        case S_IFSOCK: "a socket"
        case S_IFCHR, S_IFBLK: "a device"
        default: "something else"
        }
    }
}
