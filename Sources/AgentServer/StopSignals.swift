@preconcurrency import Dispatch
import Glibc
import SystemCalls

/// SIGTERM and SIGINT as something to wait for.
///
/// They are caught, not ignored or blocked: both of these would pass on to the services that the agent starts,
/// while a handler does not outlive `exec`.
package struct StopSignals: Sendable {
    /// Read end, write end: a handler may touch little more than these.
    private static let pipe: (reading: Int32, writing: Int32) = {
        do throws(SystemCallError) {
            return try PrivatePipe.open(nonBlocking: true)
        } catch {
            return (-1, -1)
        }
    }()

    private let stream: AsyncStream<Void>
    private let source: any DispatchSourceRead

    /// From here on these signals no longer end the process by themselves.
    package init() {
        let (stream, continuation) = AsyncStream<Void>.makeStream()
        self.stream = stream
        source = DispatchSource.makeReadSource(fileDescriptor: Self.pipe.reading)
        source.setEventHandler {
            var byte: UInt8 = 0
            _ = read(Self.pipe.reading, &byte, 1)
            continuation.yield()
        }
        source.activate()
        for number in [SIGTERM, SIGINT] {
            var action = sigaction()
            action.__sigaction_handler.sa_handler = { _ in
                let before = errno
                var byte: UInt8 = 1
                _ = write(StopSignals.pipe.writing, &byte, 1)
                errno = before
            }
            action.sa_flags = SA_RESTART
            sigaction(number, &action, nil)
        }
    }

    /// Returns at the first of them.
    package func first() async {
        for await _ in stream { break }
        withExtendedLifetime(source) {}
    }
}
