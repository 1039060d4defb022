import Glibc
import SystemCalls

/// A file that was not there, its owner's alone.
enum NewFile {
    /// Refuses to write over anything.
    static func write(_ text: String, to path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Complaint("\(path): cannot be written: \(systemReason())") }
        defer { close(descriptor) }
        do throws(SystemCallError) {
            try DescriptorOutput.write(Array(text.utf8), to: descriptor)
            guard fsync(descriptor) == 0 else { throw .last("fsync") }
        } catch {
            throw Complaint("\(path): cannot be written: \(error.reason)")
        }
    }
}
