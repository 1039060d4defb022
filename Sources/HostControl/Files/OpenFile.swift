import FoundationEssentials
import Glibc
import SystemCalls

/// An open file descriptor, closed with its last use.
struct OpenFile: ~Copyable {
    let descriptor: Int32
    let path: String

    /// Opens without ever blocking on a FIFO and without leaking into child processes.
    init(_ path: String, _ flags: Int32, mode: mode_t = 0) throws(FileError) {
        let opened = open(path, flags | O_CLOEXEC | O_NONBLOCK, mode)
        guard opened >= 0 else { throw .unavailable(operation: "open", path: path, code: errno) }
        descriptor = opened
        self.path = path
    }

    /// Opens a regular file for reading, on a way that `PathWalk` judges, and never what a symbolic link at the path itself
    /// leads to, unless told to follow it.
    ///
    /// - Parameter listed: what a link of anybody's may lead to.
    init(
        regular path: String,
        followingLinks: Bool = false,
        listed: Set<String> = []
    ) throws(FileError) {
        let end = try PathWalk.end(of: path, listed: listed, followingLast: followingLinks)
        guard let place = end.place, let judged = end.found else {
            throw .unavailable(operation: "open", path: path, code: ENOENT)
        }
        guard judged.kind == S_IFREG else {
            throw .unavailable(operation: "read as a plain file", path: path, code: EINVAL)
        }
        let flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK
        let opened = openat(place.directory.descriptor, place.name, flags)
        guard opened >= 0 else { throw .unavailable(operation: "open", path: path, code: errno) }
        var found = stat()
        guard fstat(opened, &found) == 0, FoundEntry(found).isSame(as: judged) else {
            close(opened)
            throw FileInspection.changing(path)
        }
        descriptor = opened
        self.path = path
    }

    /// Opens a name of an open directory, and never what a symbolic link of that name leads to.
    init(_ place: FilePlace, _ flags: Int32, mode: mode_t = 0) throws(FileError) {
        let flags = flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK
        let opened = openat(place.directory.descriptor, place.name, flags, mode)
        guard opened >= 0 else { throw .unavailable(operation: "open", path: place.path, code: errno) }
        descriptor = opened
        path = place.path
    }

    deinit { close(descriptor) }

    func attributes() throws(FileError) -> stat {
        var found = stat()
        guard fstat(descriptor, &found) == 0 else {
            throw .unavailable(operation: "examine", path: path, code: errno)
        }
        return found
    }

    /// The whole content, up to `limit` bytes.
    func content(limit: Int) throws(FileError) -> Data {
        do throws(SystemCallError) {
            return Data(try BoundedFile.content(of: descriptor, limit: limit))
        } catch {
            throw .unavailable(operation: error.call, path: path, code: error.code)
        }
    }

    func write(_ content: Data) throws(FileError) {
        do throws(SystemCallError) {
            try DescriptorOutput.write([UInt8](content), to: descriptor)
        } catch {
            throw .unavailable(operation: error.call, path: path, code: error.code)
        }
    }

    func synchronize() throws(FileError) {
        guard fsync(descriptor) == 0 else {
            throw .unavailable(operation: "flush", path: path, code: errno)
        }
    }
}
