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
        try replace(FilePlace(of: path), with: content, attributes)
    }

    /// `check` is called when everything is ready, just before the new content takes the place of the old;
    /// what it throws leaves the old.
    static func replace(
        _ place: FilePlace,
        with content: Data,
        _ attributes: Attributes,
        check: () throws(FileError) -> Void = {}
    ) throws(FileError) {
        let temporary = place.leftover
        try discardLeftover(of: place)
        do throws(FileError) {
            let file = try OpenFile(temporary, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
            try file.write(content)
            try apply(attributes, to: file)
            try file.synchronize()
            try check()
            try temporary.rename(to: place, "replace")
        } catch {
            unlinkat(temporary.directory.descriptor, temporary.name, 0)
            throw error
        }
        try confirmDirectory(of: place)
    }

    /// Replaces what is there by a symbolic link with exactly this text.
    static func replaceLink(
        _ place: FilePlace,
        with target: String,
        check: () throws(FileError) -> Void = {}
    ) throws(FileError) {
        let temporary = place.leftover
        try discardLeftover(of: place)
        do throws(FileError) {
            try temporary.makeLink(to: target)
            try check()
            try temporary.rename(to: place, "link")
        } catch {
            unlinkat(temporary.directory.descriptor, temporary.name, 0)
            throw error
        }
        try confirmDirectory(of: place)
    }

    /// Removes what is there; nothing is as good.
    static func remove(_ place: FilePlace) throws(FileError) {
        try place.remove()
        try confirmDirectory(of: place)
    }

    /// Removes what an interrupted write left.
    static func discardLeftover(of place: FilePlace) throws(FileError) {
        do throws(FileError) {
            try place.leftover.remove()
        } catch .unavailable(_, let path, let code) {
            throw .unavailable(operation: "remove what an interrupted write left,", path: path, code: code)
        }
    }

    static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    static func name(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
    }

    private static func apply(_ attributes: Attributes, to file: borrowing OpenFile) throws(FileError) {
        // The owner first: changing it clears the set-user-id bits.
        guard fchown(file.descriptor, attributes.owner, attributes.group) == 0,
            fchmod(file.descriptor, attributes.mode) == 0
        else { throw .unavailable(operation: "give its owner and mode to", path: file.path, code: errno) }
    }

    /// Flushes the directory entry, without which a rename may be undone by a power cut.
    static func confirmDirectory(of place: FilePlace) throws(FileError) {
        do throws(FileError) {
            try place.directory.synchronize()
        } catch {
            guard case .unavailable(_, _, let code) = error else { throw error }
            throw .unconfirmed(operation: "flush the directory of", path: place.path, code: code)
        }
    }
}
