import ControlProtocol
import FoundationEssentials
import Glibc
import SystemCalls
import Topology

/// A path as it is on disk now: its content with its attributes, read from one open file.
struct FileInspection {
    /// Configuration files are small; anything larger is not one.
    static let sizeLimit = 4 << 20

    /// Nil when the file, or a symbolic link's target, does not exist.
    let content: Data?
    let state: FileState
    /// Where `path` itself lies; nil when its directory does not exist.
    let entry: FilePlace?
    /// Where the content lies: behind a symbolic link, or at `path` itself; nil behind a dangling link.
    let target: FilePlace?
    /// Of the file with the content.
    let identity: FileIdentity?

    /// The path of the content, without symbolic links when a link at `path` leads to it.
    var resolved: String? { target.map { state.symlinkTarget == nil ? state.path : $0.path } }

    /// Reads `path`, following symbolic links; everything told is of one open file in one open directory.
    ///
    /// A directory, device or FIFO is refused.
    static func read(_ path: String) throws(FileError) -> FileInspection {
        let entry: FilePlace
        do throws(FileError) {
            entry = try FilePlace(of: path)
        } catch .unavailable(_, _, code: ENOENT) {
            return nothing(at: path, nil, link: nil)
        }
        let link = try entry.linkTarget()
        do throws(FileError) {
            return try read(path, entry, link: link)
        } catch .unavailable(_, _, code: ENOENT) {
            return nothing(at: path, entry, link: link)
        } catch .unavailable(_, _, code: ENXIO) {
            throw .refused(.invalid(reason: "\(path) is a FIFO or a socket, not a file"))
        } catch .unavailable(_, _, code: ELOOP) where link == nil {
            throw changing(path)
        }
    }

    private static func read(_ path: String, _ entry: FilePlace, link: String?) throws(FileError)
        -> FileInspection
    {
        let file =
            link == nil ? try OpenFile(entry, O_RDONLY) : try OpenFile(following: entry, O_RDONLY)
        let found = try file.attributes()
        guard found.st_mode & S_IFMT == S_IFREG else {
            throw .refused(.invalid(reason: "\(path) is \(kind(of: found.st_mode)), not a file"))
        }
        let identity = FileIdentity(found)
        var target = entry
        if link != nil {
            target = try place(of: file, at: path)
            guard try entry.linkTarget() == link else { throw changing(path) }
        }
        guard try target.identity() == identity else { throw changing(path) }
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
                changedAt: milliseconds(found.st_ctim)
            ),
            entry: entry,
            target: target,
            identity: identity
        )
    }

    /// Nil for a time that no file system of this host's own tells.
    private static func milliseconds(_ time: timespec) -> Int64? {
        let found = Int64(time.tv_sec).times(saturating: 1000).plus(
            saturating: Int64(time.tv_nsec) / 1_000_000
        )
        return Bound.time.contains(found) ? found : nil
    }

    /// Whether both looks found the same: file, link, content, owner and mode, in the same directories.
    func isSame(as other: FileInspection) -> Bool {
        identity == other.identity && state.digest == other.state.digest && attributes == other.attributes
            && state.symlinkTarget == other.state.symlinkTarget
            && entry?.directory.identity == other.entry?.directory.identity
            && target?.directory.identity == other.target?.directory.identity
            && target?.name == other.target?.name
    }

    private static func place(of file: borrowing OpenFile, at path: String) throws(FileError) -> FilePlace {
        do throws(FileError) {
            return try FilePlace(walking: try FilePlace.path(of: file))
        } catch {
            throw changing(path)
        }
    }

    private static func nothing(at path: String, _ entry: FilePlace?, link: String?) -> FileInspection {
        FileInspection(
            content: nil,
            state: absent(path, link: link),
            entry: entry,
            target: link == nil ? entry : nil,
            identity: nil
        )
    }

    static func changing(_ path: String) -> FileError {
        .refused(.invalid(reason: "\(path) was changed by somebody while it was looked at; repeat"))
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
