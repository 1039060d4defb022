private import Glibc
internal import SystemCalls

/// Ends work when somebody asks this program to end, so that what it has started can be taken down first.
enum Interruption {
    /// The writing end; a handler may touch little more.
    private nonisolated(unsafe) static var end: Int32 = -1

    /// Cancels `work` at the first SIGINT, SIGTERM or SIGHUP; a lost reader of the output ends nothing.
    static func cancels<Value: Sendable>(_ work: Task<Value, any Error>) throws(SystemCallError) {
        let pipe = try PrivatePipe.open(nonBlocking: false)
        end = pipe.writing
        for number in [SIGINT, SIGTERM, SIGHUP] {
            signal(number) { _ in
                let before = errno
                var byte: UInt8 = 1
                _ = write(Interruption.end, &byte, 1)
                errno = before
            }
        }
        // Not ignored: programs that are started would ignore it, too.
        signal(SIGPIPE) { _ in }
        let descriptor = pipe.reading
        // Waits as long as the program runs.
        BlockingThread.start {
            var awaited = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            while poll(&awaited, 1, -1) < 0, errno == EINTR {}
            work.cancel()
        }
    }
}
