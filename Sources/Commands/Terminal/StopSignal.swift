import Glibc
import Procedure
import Synchronization
import SystemCalls

/// Counts SIGINT and SIGTERM: the first asks to stop at the next resting place, the second at once.
enum StopSignal {
    private static let count = Atomic<Int>(0)

    /// Read end, write end: a handler may touch little more than these.
    ///
    /// Made before this program starts any other, which would get them.
    private static let pipe: [Int32] = {
        var ends: [Int32] = [-1, -1]
        Glibc.pipe(&ends)
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        return ends
    }()

    /// Readable from the first signal on; nobody takes out what it holds.
    static var descriptor: Int32 { pipe[0] }

    static func install() {
        // One of these that nobody gave us would become one of our own: answers would be awaited from it.
        for standard: Int32 in 0...2 where fcntl(standard, F_GETFD, 0) < 0 {
            _ = open("/dev/null", O_RDWR)
        }
        // Made now, not within a handler.
        _ = pipe
        signal(SIGINT) { _ in StopSignal.note() }
        signal(SIGTERM) { _ in StopSignal.note() }
        signal(SIGPIPE, SIG_IGN)
        // A lost terminal must not end a run between the split and the destination's leader.
        signal(SIGHUP, SIG_IGN)
    }

    /// An element at the first signal.
    static func asked() -> AsyncStream<Void> {
        let (stream, asked) = AsyncStream<Void>.makeStream()
        let descriptor = descriptor
        // Waits as long as the program runs.
        BlockingThread.start {
            var awaited = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            while poll(&awaited, 1, -1) < 0, errno == EINTR {}
            asked.yield()
            asked.finish()
        }
        return stream
    }

    private static func note() {
        let before = errno
        count.add(1, ordering: .relaxed)
        var byte: UInt8 = 1
        _ = write(pipe[1], &byte, 1)
        errno = before
    }

    static var request: StopRequest {
        switch count.load(ordering: .relaxed) {
        case 0: .none
        case 1: .atRestingPlace()
        default: .now
        }
    }
}
