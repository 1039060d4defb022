import Glibc
import Synchronization
import SystemCalls

/// The agent's own directory, held by one living agent: the kernel drops the lock with the process.
package final class StateDirectory: Sendable {
    package let path: String
    private let lock: Mutex<FileLock?>

    /// Creates the directory (0700) when it is absent.
    package init(path: String) throws(AgentServerError) {
        self.path = path
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
            throw .stateDirectory(path: path, reason: systemReason())
        }
        if let objection = OwnFile.objection(to: path) { throw .notOurs(reason: objection) }
        do throws(FileLock.Failure) {
            lock = Mutex(try FileLock(path + "/lock", whenHeld: .refuse))
        } catch {
            switch error {
            case .unopened(let code):
                throw .stateDirectory(
                    path: path,
                    reason: "its file 'lock' cannot be used: " + systemReason(code)
                )
            case .held: throw .stateLocked(path: path)
            case .unlockable(let code):
                throw .stateDirectory(path: path, reason: "cannot lock it: " + systemReason(code))
            }
        }
    }

    /// Lets another agent have it.
    package func release() { lock.withLock { $0 = nil } }
}
