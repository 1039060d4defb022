private import Glibc

/// An advisory lock that the kernel drops when its holder dies, however it dies.
package struct FileLock: ~Copyable {
    private let descriptor: Int32

    /// Waits for the lock.
    package init(waitingFor path: String) throws(LabError) {
        try self.init(path, LOCK_EX)
    }

    /// Refuses when somebody else holds it.
    package init(now path: String) throws(LabError) {
        try self.init(path, LOCK_EX | LOCK_NB)
    }

    private init(_ path: String, _ how: Int32) throws(LabError) {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .file(path: path, reason: "cannot be opened (errno \(errno))") }
        while flock(descriptor, how) != 0 {
            if errno == EINTR { continue }
            close(descriptor)
            throw .file(path: path, reason: "another command of this lab is running; wait for its end")
        }
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }
}
