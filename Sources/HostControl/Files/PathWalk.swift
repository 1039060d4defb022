import ControlProtocol
import Glibc
import SystemCalls

/// Goes from the root to what a path names, step by step in directories held open, and judges every symbolic link
/// that it follows: the agent may go anywhere, whoever makes a link may not.
///
/// A link is followed to what its owner owns, and anywhere if only root can have put it there. What was judged is what
/// is used: later steps, and whoever gets the end, work in the very directories that were opened.
struct PathWalk {
    struct End {
        /// Where the last name of the path itself lies.
        let entry: FilePlace
        /// The text of a symbolic link there.
        let link: String?
        /// Where the path leads, without any link; nil when a link there leads to nothing.
        let place: FilePlace?
        /// Of what is there; nil when nothing has that name.
        let found: FoundEntry?
        /// The directory that `place` is in.
        let holder: FoundEntry
        /// Whether somebody else than root could put something else in the place of any step.
        let isShared: Bool
        /// The path without links of what is there, or would be.
        let canonical: String
    }

    private enum Step {
        case name(String, isLast: Bool)
        /// What the link leads to has been reached.
        case judge(CrossedLink)
    }

    private let path: String
    private let followsLast: Bool
    /// In reverse.
    private var steps: [Step]
    private var held: [HeldEntry]
    private var names: [String] = []
    private var links = 0
    private var isShared = false
    private var objection: String?
    private var entry: FilePlace?
    private var link: String?
    /// What is no directory, and so must be the end.
    private var last: (entry: HeldEntry, name: String)?

    private static let limit = 40

    private init(_ path: String, followsLast: Bool) throws(FileError) {
        guard path.utf8.first == UInt8(ascii: "/") else {
            throw .unavailable(operation: "open", path: path, code: EINVAL)
        }
        self.path = path
        self.followsLast = followsLast
        let parts = path.split(separator: "/").map(String.init)
        steps = parts.enumerated().map { .name($1, isLast: $0 == parts.count - 1) }.reversed()
        held = [try HeldEntry(root: path)]
        isShared = !held[0].found.isRootsAlone
    }

    /// The end of a path to a file.
    ///
    /// - Parameters:
    ///   - listed: what whoever is root here has named: a link of anybody's may lead to it.
    ///   - followingLast: false refuses a link at the path itself (`ELOOP`); those on the way are followed.
    static func end(
        of path: String,
        listed: Set<String> = [],
        followingLast: Bool = true
    ) throws(FileError) -> End {
        var walk = try PathWalk(path, followsLast: followingLast)
        let isThere = try walk.walk()
        guard let entry = walk.entry else {
            // The root itself, or a path that ends in its parent.
            throw .refused(.invalid(reason: "\(path) is a directory, not a file"))
        }
        if let objection = walk.objection, !listed.contains(walk.canonical(isThere)) {
            throw .refused(.notAllowed(reason: objection))
        }
        let isPlain = walk.link == nil
        return End(
            entry: entry,
            link: walk.link,
            place: isPlain ? entry : isThere ? try walk.place() : nil,
            found: isThere ? walk.end : nil,
            holder: isPlain ? entry.directory.found : walk.holder,
            isShared: walk.isShared,
            canonical: walk.canonical(isThere)
        )
    }

    /// The directory that a path leads to, as a descriptor for an `OpenDirectory`.
    static func openDirectory(_ path: String) throws(FileError) -> Int32 { try directory(path).descriptor }

    /// The same, with its path without links.
    static func directory(_ path: String) throws(FileError) -> (descriptor: Int32, canonical: String) {
        var walk = try PathWalk(path, followsLast: true)
        guard try walk.walk() else { throw .unavailable(operation: "open", path: path, code: ENOENT) }
        guard walk.last == nil else { throw .unavailable(operation: "open", path: path, code: ENOTDIR) }
        if let objection = walk.objection { throw .refused(.notAllowed(reason: objection)) }
        return (try walk.top.reopened(path), walk.canonical(true))
    }

    private var top: HeldEntry { held[held.count - 1] }
    private var end: FoundEntry { (last?.entry ?? top).found }

    /// The directory of the end.
    private var holder: FoundEntry {
        last == nil && held.count > 1 ? held[held.count - 2].found : top.found
    }

    /// Without links, of what the path leads to or would lead to.
    private func canonical(_ isThere: Bool) -> String {
        let name = isThere ? last?.name : link == nil ? entry?.name : nil
        return "/" + (names + [name].compactMap { $0 }).joined(separator: "/")
    }

    private func place() throws(FileError) -> FilePlace {
        let parent = last == nil ? held[max(held.count - 2, 0)] : top
        let name = last?.name ?? names.last ?? "."
        let directory = "/" + (last == nil ? names.dropLast() : names[...]).joined(separator: "/")
        return FilePlace(try OpenDirectory(descriptor: parent.reopened(path), directory), name)
    }

    /// False when nothing has the last name, or a link there leads to nothing.
    private mutating func walk() throws(FileError) -> Bool {
        while let step = steps.popLast() {
            switch step {
            case .judge(let link): objection = link.objection(toLeadingTo: end) ?? objection
            case .name(".", _): continue
            case .name("..", _):
                guard last == nil else { throw .unavailable(operation: "open", path: path, code: ENOTDIR) }
                if held.count > 1 {
                    held.removeLast()
                    names.removeLast()
                }
            case .name(let name, let isLast):
                guard last == nil else { throw .unavailable(operation: "open", path: path, code: ENOTDIR) }
                if isLast {
                    entry = FilePlace(
                        try OpenDirectory(descriptor: top.reopened(path), AtomicFile.directory(of: path)),
                        name
                    )
                }
                guard let next = try HeldEntry(name, in: top, on: path) else {
                    guard entry != nil else {
                        throw .unavailable(operation: "open", path: path, code: ENOENT)
                    }
                    return false
                }
                try enter(next, name, isLast)
            }
        }
        return true
    }

    private mutating func enter(_ next: HeldEntry, _ name: String, _ isLast: Bool) throws(FileError) {
        switch next.found.kind {
        case S_IFLNK:
            guard !isLast || followsLast else {
                throw .unavailable(operation: "open", path: path, code: ELOOP)
            }
            links += 1
            guard links <= Self.limit else { throw .unavailable(operation: "open", path: path, code: ELOOP) }
            let text = try next.linkText(on: path)
            if isLast { link = text }
            steps.append(
                .judge(
                    CrossedLink(
                        path: "/" + (names + [name]).joined(separator: "/"),
                        link: next.found,
                        directory: top.found,
                        isShared: isShared
                    )
                )
            )
            steps += text.split(separator: "/").reversed().map { .name(String($0), isLast: false) }
            if text.utf8.first == UInt8(ascii: "/") {
                held.removeLast(held.count - 1)
                names = []
            }
        case S_IFDIR:
            held.append(next)
            names.append(name)
            isShared = isShared || !next.found.isRootsAlone
        default: last = (next, name)
        }
    }
}

/// An entry of a directory, held by a descriptor that only names it.
private final class HeldEntry {
    let descriptor: Int32
    let found: FoundEntry
    /// `O_PATH`, which the C library's overlay leaves out: nothing is read, no device or FIFO is opened.
    private static let naming: Int32 = 0o10_000_000

    init(root path: String) throws(FileError) {
        descriptor = open("/", Self.naming | O_DIRECTORY | O_CLOEXEC)
        found = try Self.examined(descriptor, path)
    }

    /// Nil when nothing has this name.
    init?(_ name: String, in directory: HeldEntry, on path: String) throws(FileError) {
        let opened = openat(directory.descriptor, name, Self.naming | O_NOFOLLOW | O_CLOEXEC)
        if opened < 0, errno == ENOENT { return nil }
        descriptor = opened
        found = try Self.examined(opened, path)
    }

    deinit { close(descriptor) }

    private static func examined(_ descriptor: Int32, _ path: String) throws(FileError) -> FoundEntry {
        guard descriptor >= 0 else { throw .unavailable(operation: "open", path: path, code: errno) }
        var found = stat()
        guard fstat(descriptor, &found) == 0 else {
            let code = errno
            close(descriptor)
            throw .unavailable(operation: "examine", path: path, code: code)
        }
        return FoundEntry(found)
    }

    func linkText(on path: String) throws(FileError) -> String {
        try FilePlace.readLink(descriptor, "", path)
    }

    /// The same directory, to be listed and flushed; the caller closes it.
    func reopened(_ path: String) throws(FileError) -> Int32 {
        let opened = openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard opened >= 0 else { throw .unavailable(operation: "open", path: path, code: errno) }
        return opened
    }
}
