package import FoundationEssentials
import Glibc
import SystemCalls

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
        var replacement = try Self.replacement(for: place, content, attributes)
        try check()
        do throws(FileReplacement.Failure) {
            try replacement.take(placeOf: place.name)
        } catch {
            throw error.seen(at: place)
        }
    }

    private static func replacement(
        for place: FilePlace,
        _ content: Data,
        _ attributes: Attributes
    ) throws(FileError) -> FileReplacement {
        do throws(FileReplacement.Failure) {
            return try FileReplacement(
                as: place.leftover.name,
                in: place.directory.descriptor,
                content: [UInt8](content),
                mode: attributes.mode,
                owner: (attributes.owner, attributes.group)
            )
        } catch {
            throw error.seen(at: place)
        }
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

extension FileReplacement.Failure {
    fileprivate func seen(at place: FilePlace) -> FileError {
        let draft = place.leftover.path
        return switch step {
        case .clear:
            .unavailable(operation: "remove what an interrupted write left,", path: draft, code: code)
        case .create: .unavailable(operation: "open", path: draft, code: code)
        case .write: .unavailable(operation: "write", path: draft, code: code)
        case .giveAttributes:
            .unavailable(operation: "give its owner and mode to", path: draft, code: code)
        case .flush: .unavailable(operation: "flush", path: draft, code: code)
        case .takePlace: .unavailable(operation: "replace", path: place.path, code: code)
        case .flushDirectory:
            .unconfirmed(operation: "flush the directory of", path: place.path, code: code)
        }
    }
}
