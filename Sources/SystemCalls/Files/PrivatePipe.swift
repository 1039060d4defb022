private import SystemPackage

#if canImport(Glibc)
    private import Glibc
#elseif canImport(Musl)
    private import Musl
#endif

/// A pipe that no child process ever gets an end of.
package enum PrivatePipe {
    /// Both ends close when a program is started, from their first moment on: between `pipe` and `fcntl` another thread may
    /// start one, which would then keep the writing end open.
    ///
    /// The caller closes them.
    package static func open(nonBlocking: Bool = false) throws(SystemCallError)
        -> (reading: Int32, writing: Int32)
    {
        do throws(Errno) {
            let ends = try FileDescriptor.pipe(
                options: nonBlocking ? [.closeOnExec, .nonBlocking] : [.closeOnExec]
            )
            return (ends.readEnd.rawValue, ends.writeEnd.rawValue)
        } catch {
            throw SystemCallError(call: "pipe", code: error.rawValue)
        }
    }

    /// `F_SETPIPE_SZ`; Linux keeps what it holds in memory.
    private static let setSize: Int32 = 1031
    private static let usualSize = 64 << 10

    /// The reading end, which the caller closes, of a pipe that holds all of `bytes` and whose other end is closed: a program's
    /// standard input, written in full before the program is started.
    ///
    /// Nobody has to write to a program that may have ended without reading: a broken pipe there ends this process, as
    /// swift-subprocess takes the descriptor for one that was forgotten (its issue 367). `bytes` must fit into a pipe, which is 1 MiB
    /// unless the host allows more.
    package static func holding(_ bytes: [UInt8]) throws(SystemCallError) -> Int32 {
        let (reading, writing) = try open()
        defer { close(writing) }
        do throws(SystemCallError) {
            guard fcntl(writing, F_SETFL, O_NONBLOCK) == 0 else { throw .last("fcntl") }
            if bytes.count > usualSize {
                guard fcntl(writing, setSize, Int32(clamping: bytes.count)) >= bytes.count else {
                    throw .last("fcntl")
                }
            }
            try DescriptorOutput.write(bytes, to: writing)
        } catch {
            close(reading)
            throw error
        }
        return reading
    }
}
