package import Glibc

/// What changes whenever a file's content does, as far as a file system's clock can tell.
package struct FileStamp: Hashable, Sendable {
    private let identity: FileIdentity
    private let size: Int64
    private let modified: Int64
    private let changed: Int64

    package init(_ found: stat) {
        identity = FileIdentity(found)
        size = Int64(found.st_size)
        modified = Self.nanoseconds(found.st_mtim)
        changed = Self.nanoseconds(found.st_ctim)
    }

    /// Of what a link leads to; nil when there is no such file, or it cannot be reached.
    package init?(of path: String) {
        var found = stat()
        guard stat(path, &found) == 0 else { return nil }
        self.init(found)
    }

    /// Of the name itself, not of what a link leads to.
    package init(ofLink path: String) throws(SystemCallError) {
        var found = stat()
        guard lstat(path, &found) == 0 else { throw .last("open") }
        self.init(found)
    }

    /// A stamp is only compared: a time of modification that somebody has set to the edge may wrap around.
    private static func nanoseconds(_ time: timespec) -> Int64 {
        Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
    }
}
