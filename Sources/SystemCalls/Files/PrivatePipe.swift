private import SystemPackage

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
}
