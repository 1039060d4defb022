package import ControlProtocol
import SystemCalls

/// Why a file could not be read, written or restored.
package enum FileError: Error, Hashable, Sendable {
    /// Nothing was changed.
    case refused(Refusal)
    /// A system call failed before the file was changed; `code` is its errno.
    case unavailable(operation: String, path: String, code: Int32)
    /// The file was changed, but the disk did not confirm it.
    case unconfirmed(operation: String, path: String, code: Int32)
    /// The backup cannot be trusted; the file was not touched.
    case damagedBackup(path: String, backup: String, reason: String)
    /// What it says of itself, in its name or in its first bytes, cannot be true; it was not read further.
    case notWhatItSeems(path: String, reason: String)
    /// There was more of it than could be read in the time.
    case unread(path: String, seconds: Int)
}

extension FileError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .refused(let refusal): refusal.description
        case .unavailable(let operation, let path, let code):
            "cannot \(operation) \(path): \(systemReason(code)); it is unchanged; remove the cause and repeat"
        case .unconfirmed(let operation, let path, let code):
            "cannot \(operation) \(path): \(systemReason(code)); it may have been changed: "
                + "read it before repeating"
        case .damagedBackup(let path, let backup, let reason):
            "the backup of \(path) in \(backup) is damaged (\(reason)); \(path) was left as it is: "
                + "put it back by hand, then move the backup away"
        case .notWhatItSeems(let path, let reason):
            "\(path) is not what it seems: \(reason); it was not read further: find out who wrote it and move it away"
        case .unread(let path, let seconds):
            "\(path) could not be read to its end within \(seconds) s; what it holds is not known"
        }
    }
}
