import Glibc
import Synchronization

/// The agent's own directory, held by one living agent: the kernel drops the lock with the process.
package final class StateDirectory: Sendable {
    package let path: String
    private let descriptor: Mutex<Int32?>

    /// Creates the directory (0700) when it is absent.
    package init(path: String) throws(AgentServerError) {
        self.path = path
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
            throw .stateDirectory(path: path, reason: String(cString: strerror(errno)))
        }
        if let objection = OwnFile.objection(to: path) { throw .notOurs(reason: objection) }
        let lock = path + "/lock"
        let descriptor = open(lock, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw .stateDirectory(path: path, reason: String(cString: strerror(errno)))
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            close(descriptor)
            if code == EWOULDBLOCK { throw .stateLocked(path: path) }
            throw .stateDirectory(path: path, reason: "cannot lock it: " + String(cString: strerror(code)))
        }
        self.descriptor = Mutex(descriptor)
    }

    deinit { release() }

    /// Lets another agent have it.
    package func release() {
        descriptor.withLock { descriptor in
            if let open = descriptor { close(open) }
            descriptor = nil
        }
    }
}
