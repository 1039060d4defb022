package import Glibc

/// A plain file read whole, without trusting its size.
package struct BoundedFile: Sendable {
    package enum Failure: Error, Hashable, Sendable {
        case unreadable(SystemCallError)
        /// A directory, a device, a FIFO.
        case notRegular
        case tooLarge
    }

    package let bytes: [UInt8]
    /// Of exactly what was read.
    package let status: stat

    /// Never blocks on a FIFO.
    ///
    /// - Parameter followingLinks: false refuses a symbolic link of that name (`ELOOP`).
    package init(
        reading path: String,
        limit: Int,
        followingLinks: Bool = true
    ) throws(Failure) {
        let flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | (followingLinks ? 0 : O_NOFOLLOW)
        let descriptor = open(path, flags)
        guard descriptor >= 0 else { throw .unreadable(.last("open")) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .unreadable(.last("examine")) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .notRegular }
        self.status = status
        do throws(SystemCallError) {
            bytes = try Self.content(of: descriptor, limit: limit)
        } catch {
            throw error.code == EFBIG ? .tooLarge : .unreadable(error)
        }
    }

    /// What an open file holds from where it stands; `EFBIG` when that is more than `limit` bytes.
    package static func content(of descriptor: Int32, limit: Int) throws(SystemCallError) -> [UInt8] {
        var content: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .last("read") }
            guard count > 0 else { return content }
            content += chunk[..<count]
            guard content.count <= limit else { throw SystemCallError(call: "read", code: EFBIG) }
        }
    }
}
