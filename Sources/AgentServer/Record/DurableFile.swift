import FoundationEssentials
import Glibc

/// A system call that failed, in words.
struct SystemCallError: Error {
    let call: String
    let code: Int32

    var reason: String { String(cString: strerror(code)) }

    static func last(_ call: String) -> SystemCallError { SystemCallError(call: call, code: errno) }
}

/// Whole files that are either the old or the new content after a crash.
enum DurableFile {
    /// Nil when the file does not exist.
    static func read(_ path: String) throws(SystemCallError) -> Data? {
        let descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw .last("open")
        }
        defer { close(descriptor) }
        var content = Data()
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .last("read") }
            if count == 0 { return content }
            content.append(contentsOf: buffer[..<count])
        }
    }

    static func replace(_ path: String, with content: Data) throws(SystemCallError) {
        let temporary = path + ".new"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .last("create") }
        do throws(SystemCallError) {
            try write(content, to: descriptor)
            guard fsync(descriptor) == 0 else { throw .last("fsync") }
        } catch {
            close(descriptor)
            unlink(temporary)
            throw error
        }
        guard close(descriptor) == 0 else { throw .last("close") }
        try rename(temporary, to: path)
    }

    static func rename(_ from: String, to path: String) throws(SystemCallError) {
        guard Glibc.rename(from, path) == 0 else { throw .last("rename") }
        try syncDirectory(of: path)
    }

    static func syncDirectory(of path: String) throws(SystemCallError) {
        let end = path.lastIndex(of: "/")
        let directory = end.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .last("open the directory of") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .last("fsync the directory of") }
    }

    static func write(_ content: Data, to descriptor: Int32) throws(SystemCallError) {
        var rest = content
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .last("write") }
            rest = rest.dropFirst(count)
        }
    }
}
