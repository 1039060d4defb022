import Procedure
import SystemCalls

/// Keeps a second coordinator from a journal, as long as the value lives.
final class JournalLock: Sendable {
    private let lock: FileLock

    init(path: String) throws(JournalError) {
        do throws(FileLock.Failure) {
            lock = try FileLock(path, whenHeld: .refuse)
        } catch {
            switch error {
            case .unopened(let code), .unlockable(let code):
                throw .unusable(path: path, reason: systemReason(code))
            case .held: throw .locked(path: path)
            }
        }
    }
}
