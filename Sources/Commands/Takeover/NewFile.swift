import Glibc
import SystemCalls

/// A file that was not there, its owner's alone.
enum NewFile {
    /// Refuses to write over anything; one that could not be written whole is removed again.
    ///
    /// - Parameter fill: puts the bytes into the open file, onto the disk.
    static func write(
        _ text: String,
        to path: String,
        by fill: ([UInt8], Int32) throws(SystemCallError) -> Void = Self.fill
    ) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Complaint("\(path): cannot be written: \(systemReason())") }
        defer { close(descriptor) }
        do throws(SystemCallError) {
            try fill(Array(text.utf8), descriptor)
        } catch {
            // A plan without its end may read like a whole one. It is this program's own: it was not there before.
            let isGone = unlink(path) == 0
            throw Complaint(
                "\(path): cannot be written: \(error.reason)"
                    + (isGone ? "" : "; what there is of it is cut off: remove it")
            )
        }
    }

    private static func fill(_ bytes: [UInt8], _ descriptor: Int32) throws(SystemCallError) {
        try DescriptorOutput.write(bytes, to: descriptor)
        guard fsync(descriptor) == 0 else { throw .last("fsync") }
    }
}
