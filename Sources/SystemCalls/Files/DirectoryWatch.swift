@preconcurrency import Dispatch
import Glibc

/// Tells of files that get a name in a directory by being renamed there, as durable replacements do.
///
/// It costs nothing while none does. Several at once may be told as one.
package final class DirectoryWatch: Sendable {
    package let arrivals: AsyncStream<Void>
    private let source: any DispatchSourceRead

    package init(_ path: String) throws(SystemCallError) {
        let descriptor = inotify_init1(Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC))
        guard descriptor >= 0 else { throw .last("watch") }
        guard inotify_add_watch(descriptor, path, UInt32(IN_MOVED_TO)) >= 0 else {
            let error = SystemCallError.last("watch")
            close(descriptor)
            throw error
        }
        let (arrivals, told) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        self.arrivals = arrivals
        source = DispatchSource.makeReadSource(fileDescriptor: descriptor)
        source.setEventHandler {
            var events = [UInt8](repeating: 0, count: 4096)
            while read(descriptor, &events, events.count) > 0 {}
            told.yield()
        }
        source.setCancelHandler { close(descriptor) }
        source.activate()
    }

    deinit { source.cancel() }
}
