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
        }
    }
}
