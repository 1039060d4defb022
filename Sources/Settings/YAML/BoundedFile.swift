#if canImport(Glibc)
    private import Glibc
#elseif canImport(Musl)
    private import Musl
#endif

/// Reads whole small files without trusting their size.
enum BoundedFile {
    static func content(of path: String, limit: Int) throws(YAMLError) -> [UInt8] {
        // A FIFO would otherwise block in open until somebody writes to it.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw unreadable(path) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw unreadable(path) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .notRegular(file: path) }

        var content: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(descriptor, &chunk, chunk.count)
            if count == 0 { return content }
            if count < 0 {
                if errno == EINTR { continue }
                throw unreadable(path)
            }
            content += chunk.prefix(count)
            guard content.count <= limit else { throw .tooLarge(file: path, limit: limit) }
        }
    }

    private static func unreadable(_ path: String) -> YAMLError {
        .unreadable(file: path, reason: String(cString: strerror(errno)))
    }
}
