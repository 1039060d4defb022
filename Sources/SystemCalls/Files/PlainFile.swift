import Glibc

/// Files of the program's own: what lies under such a name and is no plain file is never waited for and never followed.
package enum PlainFile {
    /// `EINVAL` for a directory, a device, a FIFO or a socket, `ELOOP` for a symbolic link.
    ///
    /// The caller closes the descriptor, which closes when a program is started.
    package static func open(_ path: String, _ flags: Int32, mode: UInt32 = 0o600) throws(SystemCallError)
        -> Int32
    {
        // A FIFO without a reader would hold up whoever opens it for writing.
        let descriptor = Glibc.open(path, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, mode)
        guard descriptor >= 0 else {
            throw errno == ENXIO ? notPlain : .last("open")
        }
        var found = stat()
        guard fstat(descriptor, &found) == 0 else {
            let error = SystemCallError.last("examine")
            close(descriptor)
            throw error
        }
        guard found.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw notPlain
        }
        return descriptor
    }

    private static let notPlain = SystemCallError(call: "use, for it is no plain file,", code: EINVAL)
}
