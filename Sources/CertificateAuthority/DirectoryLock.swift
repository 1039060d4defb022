internal import SystemCalls

/// Keeps two commands from one authority's directory, as long as the value lives.
struct DirectoryLock: ~Copyable {
    private let lock: FileLock

    /// Waits for the present holder.
    init(_ path: String) throws(PKIError) {
        do throws(FileLock.Failure) {
            lock = try FileLock(path, whenHeld: .wait)
        } catch {
            switch error {
            case .unopened(let code), .unlockable(let code):
                throw .cannotWrite(path: path, reason: systemReason(code))
            case .held: throw .cannotWrite(path: path, reason: "it is locked")
            }
        }
    }
}
