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

    /// Reads `path`, following symbolic links as `PathWalk` judges them; everything told is of one open file in one open
    /// directory.
    ///
    /// A directory, device or FIFO is refused.
    ///
    /// - Parameter listed: what a link of anybody's may lead to.
    static func read(_ path: String, listed: Set<String> = []) throws(FileError) -> FileInspection {
        let end: PathWalk.End
        do throws(FileError) {
            end = try PathWalk.end(of: path, listed: listed)
        } catch .unavailable(_, _, code: ENOENT) {
            return nothing(at: path, nil, link: nil)
        }
        guard let target = end.place, let judged = end.found else {
            return nothing(at: path, end.entry, link: end.link)
        }
        guard judged.kind == S_IFREG else {
            throw .refused(.invalid(reason: "\(path) is \(kind(of: judged.mode)), not a file"))
        }
        do throws(FileError) {
            return try read(path, end, judged, in: target)
        } catch .unavailable(_, _, code: ENOENT), .unavailable(_, _, code: ELOOP),
            .unavailable(_, _, code: ENXIO)
        {
            throw changing(path)
        }
    }

    private static func read(
        _ path: String,
        _ end: PathWalk.End,
        _ judged: FoundEntry,
        in target: FilePlace
    ) throws(FileError) -> FileInspection {
        let (entry, link) = (end.entry, end.link)
        let file = try OpenFile(target, O_RDONLY)
        let found = try file.attributes()
        let entryFound = FoundEntry(found)
        guard entryFound.isSame(as: judged) else { throw changing(path) }
        if let objection = end.holder.objection(toHolding: entryFound, at: path, isShared: end.isShared) {
            throw .refused(.notAllowed(reason: objection))
        }
        let identity = entryFound.identity
        guard try entry.linkTarget() == link, try target.identity() == identity else { throw changing(path) }
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
