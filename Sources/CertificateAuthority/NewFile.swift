internal import Glibc
internal import SystemCalls

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
        do throws(SystemCallError) {
            // The umask may have taken bits away that readers of the public files need.
            guard fchmod(descriptor, mode) == 0 else { throw .last("chmod") }
            try DescriptorOutput.write(content, to: descriptor)
            guard fsync(descriptor) == 0 else { throw .last("fsync") }
        } catch {
            unlink(path)
            throw .cannotWrite(path: path, reason: error.reason)
        }
        do throws(SystemCallError) {
            try DurableFile.flushDirectory(of: path)
        } catch {
            throw .cannotWrite(path: path, reason: error.reason)
        }
    }

    /// Readers see the old content or the new one, also after a crash.
    ///
    /// Call under the directory's lock only.
    static func replace(_ path: String, _ content: [UInt8], mode: mode_t) throws(PKIError) {
        do throws(SystemCallError) {
            try DurableFile.replace(path, with: content, mode: mode)
        } catch {
            throw .cannotWrite(path: path, reason: error.reason)
        }
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
}
