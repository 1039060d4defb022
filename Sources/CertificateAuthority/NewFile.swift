internal import Glibc
internal import MutualTLS

/// Files that are created whole or not at all.
enum NewFile {
    /// Fails when something of that name exists, even a dangling link.
    ///
    /// The mode holds from the first moment.
    static func create(_ path: String, _ content: [UInt8], mode: mode_t) throws(PKIError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode)
        guard descriptor >= 0 else {
            if errno == EEXIST { throw .exists(path: path) }
            throw .cannotWrite(path: path, reason: systemReason())
        }
        defer { close(descriptor) }
        do throws(PKIError) {
            // The umask may have taken bits away that readers of the public files need.
            guard fchmod(descriptor, mode) == 0 else {
                throw .cannotWrite(path: path, reason: systemReason())
            }
            try writeAll(descriptor, content, path: path)
        } catch {
            unlink(path)
            throw error
        }
        try syncDirectory(of: path)
    }

    /// Readers see the old content or the new one, also after a crash.
    ///
    /// Call under the directory's lock only.
    static func replace(_ path: String, _ content: [UInt8], mode: mode_t) throws(PKIError) {
        let draft = path + ".new"
        unlink(draft)
        try create(draft, content, mode: mode)
        guard rename(draft, path) == 0 else { throw .cannotWrite(path: path, reason: systemReason()) }
        try syncDirectory(of: path)
    }

    /// Creates `path`, for its owner only.
    ///
    /// One that exists already stays as it is.
    static func createDirectory(_ path: String) throws(PKIError) {
        guard mkdir(path, 0o700) != 0 else { return }
        let reason = systemReason()
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw .cannotWrite(path: path, reason: reason)
        }
    }

    static func exists(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }

    private static func writeAll(_ descriptor: Int32, _ content: [UInt8], path: String) throws(PKIError) {
        var rest = content[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw .cannotWrite(path: path, reason: systemReason()) }
            rest = rest.dropFirst(count)
        }
        guard fsync(descriptor) == 0 else { throw .cannotWrite(path: path, reason: systemReason()) }
    }

    private static func syncDirectory(of path: String) throws(PKIError) {
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .cannotWrite(path: folder, reason: systemReason()) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .cannotWrite(path: folder, reason: systemReason()) }
    }
}

/// An exclusive lock that the kernel releases when its holder dies.
struct DirectoryLock: ~Copyable {
    private let descriptor: Int32

    /// Waits for the present holder.
    init(_ path: String) throws(PKIError) {
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw .cannotWrite(path: path, reason: systemReason()) }
        while flock(descriptor, LOCK_EX) != 0 {
            guard errno == EINTR else {
                let reason = systemReason()
                close(descriptor)
                throw .cannotWrite(path: path, reason: reason)
            }
        }
    }

    deinit { close(descriptor) }
}
