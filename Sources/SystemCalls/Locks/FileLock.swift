import Glibc

/// An exclusive lock of a file, which the kernel drops when its holder dies, however it dies.
package struct FileLock: ~Copyable, Sendable {
    package enum Failure: Error, Hashable, Sendable {
        /// The file cannot be opened or created; `code` is the errno.
        case unopened(code: Int32)
        /// Somebody else holds it.
        case held
        /// The file system cannot lock.
        case unlockable(code: Int32)
    }

    package enum Patience: Hashable, Sendable {
        /// For the present holder's end.
        case wait
        /// So long at most.
        case within(Duration)
        case refuse
    }

    /// Before a lock is tried again.
    private static let pause: UInt32 = 20_000

    private let descriptor: Int32

    /// Creates the file (0600) when it is absent; never follows a symbolic link of that name.
    package init(_ path: String, whenHeld patience: Patience) throws(Failure) {
        let descriptor: Int32
        do throws(SystemCallError) {
            descriptor = try PlainFile.open(path, O_RDWR | O_CREAT)
        } catch {
            throw .unopened(code: error.code)
        }
        let how = patience == .wait ? LOCK_EX : LOCK_EX | LOCK_NB
        let start = ContinuousClock.now
        while flock(descriptor, how) != 0 {
            let code = errno
            if code == EINTR { continue }
            if code == EWOULDBLOCK, case .within(let limit) = patience, ContinuousClock.now - start < limit {
                usleep(Self.pause)
                continue
            }
            close(descriptor)
            throw code == EWOULDBLOCK ? .held : .unlockable(code: code)
        }
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }
}
