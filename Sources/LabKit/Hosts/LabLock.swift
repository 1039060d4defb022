import SystemCalls

/// Keeps two commands from one lab, or one cache, as long as the value lives.
package struct LabLock: ~Copyable {
    private let lock: FileLock

    /// Waits for the lock.
    package init(waitingFor path: String) throws(LabError) {
        lock = try Self.lock(path, .wait)
    }

    /// Refuses when somebody else holds it.
    package init(now path: String) throws(LabError) {
        lock = try Self.lock(path, .refuse)
    }

    private static func lock(_ path: String, _ patience: FileLock.Patience) throws(LabError) -> FileLock {
        do throws(FileLock.Failure) {
            return try FileLock(path, whenHeld: patience)
        } catch {
            switch error {
            case .unopened(let code): throw .file(path: path, reason: "cannot be opened (errno \(code))")
            case .held, .unlockable:
                throw .file(
                    path: path,
                    reason: "another command of this lab is running; wait for its end"
                )
            }
        }
    }
}
