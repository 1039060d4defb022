import SystemCalls
import SystemPackage

/// A program's standard input, written in full before the program is started.
enum WrittenInput {
    /// The reading end; the caller closes it.
    static func open(_ text: String) throws(Errno) -> FileDescriptor {
        do throws(SystemCallError) {
            return FileDescriptor(rawValue: try PrivatePipe.holding(Array(text.utf8)))
        } catch {
            throw Errno(rawValue: error.code)
        }
    }
}
