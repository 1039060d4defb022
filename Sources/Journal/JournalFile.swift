import Glibc
import Procedure
import SystemCalls

/// The file that a journal is kept in, its owner's alone, and with it what SQLite keeps beside it.
///
/// The hosts' configuration files are in it, byte for byte, and with them whatever secrets stand there.
enum JournalFile {
    /// An empty one where there is none.
    static func create(_ path: String) throws(JournalError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        if descriptor >= 0 {
            close(descriptor)
        } else if errno != EEXIST {
            throw .unusable(path: path, reason: systemReason())
        }
    }

    /// For one that an earlier version has made.
    ///
    /// It is not opened for that: closing it again would let go of SQLite's locks on it.
    static func makePrivate(_ path: String) throws(JournalError) {
        var found = stat()
        guard stat(path, &found) == 0 else { throw .unusable(path: path, reason: systemReason()) }
        // Another's is left as its owner wants it.
        guard found.st_uid == geteuid(), found.st_mode & 0o077 != 0 else { return }
        guard chmod(path, 0o600) == 0 else { throw .unusable(path: path, reason: systemReason()) }
    }
}
