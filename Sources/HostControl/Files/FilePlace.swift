import FoundationEssentials
import Glibc
import SystemCalls

/// A directory held open: what is done in it stays in it, though its path be made to lead elsewhere.
final class OpenDirectory: Sendable {
    let descriptor: Int32
    let path: String
    let found: FoundEntry

    var identity: FileIdentity { found.identity }

    /// Follows symbolic links as `PathWalk` judges them.
    convenience init(opening path: String) throws(FileError) {
        try self.init(descriptor: try PathWalk.openDirectory(path), path)
    }

    /// Goes from the root step by step, and no step may be a symbolic link.
    convenience init(walking path: String) throws(FileError) {
        var current = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        for part in path.split(separator: "/") where current >= 0 {
            let next = openat(current, String(part), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            let code = errno
            close(current)
            errno = code
            current = next
        }
        try self.init(descriptor: current, path)
    }

    /// A directory in an open one, and never what a symbolic link of that name leads to.
    convenience init(_ place: FilePlace) throws(FileError) {
        let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
        try self.init(descriptor: openat(place.directory.descriptor, place.name, flags), place.path)
    }

    /// Takes the descriptor over.
    init(descriptor: Int32, _ path: String) throws(FileError) {
        guard descriptor >= 0 else { throw .unavailable(operation: "open", path: path, code: errno) }
        var found = stat()
        guard fstat(descriptor, &found) == 0 else {
            let code = errno
            close(descriptor)
            throw .unavailable(operation: "examine", path: path, code: code)
        }
        self.descriptor = descriptor
        self.path = path
        self.found = FoundEntry(found)
    }

    deinit { close(descriptor) }

    /// Every name in it but its own and its parent's, in ascending order.
    func names() throws(FileError) -> [String] {
        // A descriptor of its own: how far one was read belongs to it.
        let again = openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard again >= 0, let stream = fdopendir(again) else {
            throw .unavailable(operation: "list", path: path, code: errno)
        }
        defer { closedir(stream) }
        var names: [String] = []
        while let found = readdir(stream) {
            let name = withUnsafeBytes(of: found.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    func synchronize() throws(FileError) {
        guard fsync(descriptor) == 0 else { throw .unavailable(operation: "flush", path: path, code: errno) }
    }
}

/// A name in an open directory.
struct FilePlace {
    let directory: OpenDirectory
    let name: String

    var path: String { (directory.path == "/" ? "" : directory.path) + "/" + name }

    /// Of `path` itself, also when it is a symbolic link.
    init(of path: String) throws(FileError) {
        directory = try OpenDirectory(opening: AtomicFile.directory(of: path))
        name = AtomicFile.name(of: path)
    }

    /// Of a path that no symbolic link is part of.
    init(walking path: String) throws(FileError) {
        directory = try OpenDirectory(walking: AtomicFile.directory(of: path))
        name = AtomicFile.name(of: path)
    }

    init(_ directory: OpenDirectory, _ name: String) {
        self.directory = directory
        self.name = name
    }

    /// Where a write in progress keeps its content.
    var leftover: FilePlace { FilePlace(directory, "." + name + ".mitosis-new") }

    /// Nil when nothing has this name.
    func identity() throws(FileError) -> FileIdentity? { try attributes().map { FileIdentity($0) } }

    /// Of a symbolic link itself; nil when nothing has this name.
    func attributes() throws(FileError) -> stat? {
        var found = stat()
        guard fstatat(directory.descriptor, name, &found, AT_SYMLINK_NOFOLLOW) == 0 else {
            guard errno == ENOENT else { throw .unavailable(operation: "examine", path: path, code: errno) }
            return nil
        }
        return found
    }

    /// Removes an empty directory; nothing is as good.
    func removeDirectory() throws(FileError) {
        guard unlinkat(directory.descriptor, name, AT_REMOVEDIR) == 0 || errno == ENOENT else {
            throw .unavailable(operation: "remove", path: path, code: errno)
        }
    }

    /// The text of a symbolic link; nil when this is none, or does not exist.
    func linkTarget() throws(FileError) -> String? {
        do throws(FileError) {
            return try Self.readLink(directory.descriptor, name, path)
        } catch .unavailable(_, _, code: EINVAL), .unavailable(_, _, code: ENOENT) {
            return nil
        }
    }

    func remove() throws(FileError) {
        guard unlinkat(directory.descriptor, name, 0) == 0 || errno == ENOENT else {
            throw .unavailable(operation: "remove", path: path, code: errno)
        }
    }

    /// Gives what is here the other's name, in place of what had it.
    func rename(to other: FilePlace, _ operation: String) throws(FileError) {
        guard renameat(directory.descriptor, name, other.directory.descriptor, other.name) == 0 else {
            throw .unavailable(operation: operation, path: other.path, code: errno)
        }
    }

    func makeLink(to target: String) throws(FileError) {
        guard symlinkat(target, directory.descriptor, name) == 0 else {
            throw .unavailable(operation: "link", path: path, code: errno)
        }
    }

    /// Without a name, of a link held by its descriptor.
    static func readLink(_ directory: Int32, _ name: String, _ path: String) throws(FileError)
        -> String
    {
        var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = buffer.withUnsafeMutableBytes { bytes -> Int in
            guard let base = bytes.baseAddress else { return 0 }
            return readlinkat(directory, name, base.assumingMemoryBound(to: CChar.self), bytes.count)
        }
        guard count >= 0 else { throw .unavailable(operation: "read the link", path: path, code: errno) }
        return String(decoding: buffer[0..<count], as: UTF8.self)
    }
}
