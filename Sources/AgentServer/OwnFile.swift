import Glibc

/// Files that only root or the agent's own user may change: what stands in them is believed.
package enum OwnFile {
    /// Why `path` is not one; nil when it is, or cannot be looked at, which shows when it is opened.
    package static func objection(to path: String) -> String? {
        var found = stat()
        guard stat(path, &found) == 0 else { return nil }
        guard found.st_uid == 0 || found.st_uid == geteuid() else {
            return "\(path) belongs to user \(found.st_uid); it must belong to root or to the agent's user"
        }
        guard found.st_mode & 0o022 == 0 else {
            let mode = String(found.st_mode & 0o7777, radix: 8)
            return "\(path) can be written by others (mode \(mode)); take that away with chmod go-w"
        }
        return nil
    }
}
