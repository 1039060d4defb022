import Glibc

/// Short texts that the kernel serves as files.
package enum KernelText {
    private static let limit = 64 << 20

    /// Nil when the file does not exist, or the process it belongs to has gone.
    package static func read(_ path: String) -> String? {
        do throws(SystemCallError) { return try content(of: path) } catch { return nil }
    }

    package static func content(of path: String) throws(SystemCallError) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw .last("open") }
        defer { close(descriptor) }
        return String(decoding: try BoundedFile.content(of: descriptor, limit: limit), as: UTF8.self)
    }
}
