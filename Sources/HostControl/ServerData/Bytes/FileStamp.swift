import Glibc

/// What changes whenever a file's content does, as far as a file system's clock can tell.
struct FileStamp: Hashable {
    private let identity: FileIdentity
    private let size: Int64
    private let modified: Int64
    private let changed: Int64

    init(_ found: stat) {
        identity = FileIdentity(found)
        size = Int64(found.st_size)
        modified = Self.nanoseconds(found.st_mtim)
        changed = Self.nanoseconds(found.st_ctim)
    }

    /// Of the name itself, not of what a link leads to.
    init(of path: String) throws(FileError) {
        var found = stat()
        guard lstat(path, &found) == 0 else {
            throw .unavailable(operation: "open", path: path, code: errno)
        }
        self.init(found)
    }

    private static func nanoseconds(_ time: timespec) -> Int64 {
        Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
