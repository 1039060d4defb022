import Glibc
import SystemCalls

/// Room on the disk, taken while there is some and given up when there is none, so that what undoes harm can still be
/// recorded: the removal of a wall must not fail because a disk filled up.
struct SpaceReserve: Sendable {
    private static let size = 256 << 10
    private let path: String

    init(directory: String) { path = directory + "/reserve" }

    /// Best effort: a disk without that much room has no reserve.
    func fill() {
        var found = stat()
        if lstat(path, &found) == 0, found.st_mode & S_IFMT == S_IFREG, found.st_size >= Self.size { return }
        let descriptor: Int32
        do throws(SystemCallError) { descriptor = try PlainFile.open(path, O_WRONLY | O_CREAT) } catch {
            return
        }
        let failed = posix_fallocate(descriptor, 0, off_t(Self.size)) != 0
        close(descriptor)
        if failed { unlink(path) }
    }

    /// What `attempt` throws for want of room is tried a second time in the room of the reserve.
    func using<Value>(
        _ attempt: () throws(SystemCallError) -> Value
    ) throws(SystemCallError) -> Value {
        do throws(SystemCallError) {
            return try attempt()
        } catch {
            guard error.code == ENOSPC || error.code == EDQUOT, unlink(path) == 0 else { throw error }
            return try attempt()
        }
    }
}
