import Glibc
import Procedure

/// An exclusive `flock`, held as long as the value lives.
final class JournalLock: Sendable {
    private let descriptor: Int32

    init(path: String) throws(JournalError) {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw .unusable(path: path, reason: String(cString: strerror(errno)))
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw .locked(path: path)
        }
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }
}
