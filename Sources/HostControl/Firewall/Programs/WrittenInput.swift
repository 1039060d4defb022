import Glibc
import SystemCalls
import SystemPackage

/// A program's standard input, written in full before the program is started.
///
/// Nobody has to write to a program that may have ended without reading: a broken pipe there ends this process, as
/// swift-subprocess takes the descriptor for one that was forgotten.
enum WrittenInput {
    /// `F_SETPIPE_SZ`; Linux keeps what it holds in memory.
    private static let setPipeSize: Int32 = 1031
    private static let usualPipeSize = 64 << 10

    /// The reading end; the caller closes it.
    ///
    /// `text` must fit into a pipe, which is 1 MiB unless the host allows more.
    static func open(_ text: String) throws(Errno) -> FileDescriptor {
        let reading: Int32
        let writing: Int32
        do throws(SystemCallError) {
            (reading, writing) = try PrivatePipe.open()
        } catch {
            throw Errno(rawValue: error.code)
        }
        defer { close(writing) }
        do throws(Errno) {
            guard fcntl(writing, F_SETFL, O_NONBLOCK) == 0 else { throw Errno(rawValue: errno) }
            try write(text, to: writing)
        } catch {
            close(reading)
            throw error
        }
        return FileDescriptor(rawValue: reading)
    }

    private static func write(_ text: String, to descriptor: Int32) throws(Errno) {
        let bytes = Array(text.utf8)
        if bytes.count > usualPipeSize {
            guard fcntl(descriptor, setPipeSize, Int32(clamping: bytes.count)) >= bytes.count else {
                throw Errno(rawValue: errno)
            }
        }
        do throws(SystemCallError) {
            try DescriptorOutput.write(bytes, to: descriptor)
        } catch {
            throw Errno(rawValue: error.code)
        }
    }
}
