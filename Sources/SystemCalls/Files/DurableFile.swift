import Glibc

/// Files that survive a crash as they were said to be.
package enum DurableFile {
    /// Replaces `path` itself: after a crash it holds the old content or the new, and the new once this has returned.
    ///
    /// Two at a time must not replace the same file.
    package static func replace(_ path: String, with content: [UInt8], mode: UInt32 = 0o600)
        throws(SystemCallError)
    {
        let directory = try open(directoryOf: path, "create")
        defer { close(directory) }
        let name = path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
        do throws(FileReplacement.Failure) {
            var replacement = try FileReplacement(
                as: name + ".new",
                in: directory,
                content: content,
                mode: mode
            )
            try replacement.take(placeOf: name)
        } catch {
            throw SystemCallError(call: error.step.call, code: error.code)
        }
    }

    /// Makes the names in the directory of `path` durable: a file that was created there, renamed or removed.
    package static func flushDirectory(of path: String) throws(SystemCallError) {
        let directory = try open(directoryOf: path, "open the directory of")
        defer { close(directory) }
        guard fsync(directory) == 0 else { throw .last("fsync the directory of") }
    }

    private static func open(directoryOf path: String, _ call: String) throws(SystemCallError) -> Int32 {
        let end = path.lastIndex(of: "/")
        let directory = end.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let descriptor = Glibc.open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .last(call) }
        return descriptor
    }
}

extension FileReplacement.Step {
    fileprivate var call: String {
        switch self {
        case .clear, .create: "create"
        case .write: "write"
        case .giveAttributes: "chmod"
        case .flush: "fsync"
        case .takePlace: "rename"
        case .flushDirectory: "fsync the directory of"
        }
    }
}
