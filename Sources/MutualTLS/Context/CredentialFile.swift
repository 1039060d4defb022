internal import Glibc

/// Tells one content of a file from another without reading it.
struct FileStamp: Hashable, Sendable {
    private let device: UInt
    private let inode: UInt
    private let size: Int
    private let modified: [Int]

    /// Nil when there is no such file, or it cannot be reached.
    init?(of path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        self.init(status)
    }

    init(_ status: stat) {
        device = UInt(status.st_dev)
        inode = UInt(status.st_ino)
        size = Int(status.st_size)
        modified = [
            status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_ctim.tv_sec, status.st_ctim.tv_nsec,
        ]
    }
}

/// A file read whole, with the mode and stamp of exactly what was read.
package struct CredentialFile: Sendable {
    package let path: String
    package let bytes: [UInt8]
    package let mode: UInt32
    let stamp: FileStamp

    private static let sizeLimit = 16 << 20

    package init(reading path: String) throws(TLSError) {
        // Non-blocking: a FIFO in place of a file must not hang the caller.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw .unreadable(path: path, reason: systemReason()) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .unreadable(path: path, reason: systemReason()) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw .unreadable(path: path, reason: "not a regular file")
        }
        self.path = path
        mode = status.st_mode & 0o7777
        stamp = FileStamp(status)
        bytes = try CredentialFile.readAll(descriptor, path: path)
    }

    private static func readAll(_ descriptor: Int32, path: String) throws(TLSError) -> [UInt8] {
        var content: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = read(descriptor, &chunk, chunk.count)
            if count == 0 { return content }
            if count < 0 {
                if errno == EINTR { continue }
                throw .unreadable(path: path, reason: systemReason())
            }
            content.append(contentsOf: chunk[..<count])
            guard content.count <= sizeLimit else {
                throw .unreadable(path: path, reason: "larger than 16 MB")
            }
        }
    }
}

/// The text of `errno`.
package func systemReason() -> String { String(cString: strerror(errno)) }
