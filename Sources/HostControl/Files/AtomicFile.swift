package import FoundationEssentials
import Glibc

/// Replaces a file so that a crash at any moment leaves the old content or the new, never a part.
///
/// The new content is written beside the old under a fixed name, flushed, and renamed over it; then the
/// directory is flushed. What an interrupted write left under that name is removed by the next one.
/// Hard links and extended attributes of the old file are not carried over.
package enum AtomicFile {
    /// Permission bits and ownership of a file.
    package struct Attributes: Hashable, Sendable, Codable {
        package let mode: UInt32
        package let owner: UInt32
        package let group: UInt32

        package init(mode: UInt32, owner: UInt32, group: UInt32) {
            self.mode = mode
            self.owner = owner
            self.group = group
        }

        init(_ found: stat) {
            self.init(mode: found.st_mode & 0o7777, owner: found.st_uid, group: found.st_gid)
        }
    }

    /// Replaces `path` itself, also when it is a symbolic link.
    package static func replace(_ path: String, with content: Data, _ attributes: Attributes)
        throws(FileError)
    {
        let temporary = leftover(of: path)
        try discardLeftover(of: path)
        do throws(FileError) {
            let file = try OpenFile(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
            try file.write(content)
            try apply(attributes, to: file)
            try file.synchronize()
            guard rename(temporary, path) == 0 else {
                throw .unavailable(operation: "replace", path: path, code: errno)
            }
        } catch {
            unlink(temporary)
            throw error
        }
        try confirmDirectory(of: path)
    }

    /// Replaces `path` by a symbolic link with exactly this text.
    static func replaceLink(_ path: String, with target: String) throws(FileError) {
        let temporary = leftover(of: path)
        try discardLeftover(of: path)
        guard symlink(target, temporary) == 0, rename(temporary, path) == 0 else {
            let code = errno
            unlink(temporary)
            throw .unavailable(operation: "link", path: path, code: code)
        }
        try confirmDirectory(of: path)
    }

    /// Removes `path`; an absent one is as good.
    static func remove(_ path: String) throws(FileError) {
        guard unlink(path) == 0 || errno == ENOENT else {
            throw .unavailable(operation: "remove", path: path, code: errno)
        }
        try confirmDirectory(of: path)
    }

    /// Removes what an interrupted write of `path` left.
    static func discardLeftover(of path: String) throws(FileError) {
        let temporary = leftover(of: path)
        guard unlink(temporary) == 0 || errno == ENOENT else {
            throw .unavailable(
                operation: "remove what an interrupted write left,",
                path: temporary,
                code: errno
            )
        }
    }

    /// Where a write in progress keeps its content.
    static func leftover(of path: String) -> String {
        directory(of: path) + "/." + name(of: path) + ".mitosis-new"
    }

    static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    private static func name(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
    }

    private static func apply(_ attributes: Attributes, to file: borrowing OpenFile) throws(FileError) {
        // The owner first: changing it clears the set-user-id bits.
        guard fchown(file.descriptor, attributes.owner, attributes.group) == 0,
            fchmod(file.descriptor, attributes.mode) == 0
        else { throw .unavailable(operation: "give its owner and mode to", path: file.path, code: errno) }
    }

    /// Flushes the directory entry, without which a rename may be undone by a power cut.
    static func confirmDirectory(of path: String) throws(FileError) {
        let parent = directory(of: path)
        do throws(FileError) {
            try OpenFile(parent, O_RDONLY | O_DIRECTORY).synchronize()
        } catch {
            guard case .unavailable(_, _, let code) = error else { throw error }
            throw .unconfirmed(operation: "flush the directory of", path: path, code: code)
        }
    }
}
