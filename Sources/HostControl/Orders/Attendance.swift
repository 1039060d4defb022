import Synchronization

/// When this program last heard the coordinator of the host's order; a program that starts gives it the whole time.
final class Attendance: Sendable {
    private let heard: Mutex<Int64>
    private let now: @Sendable () -> Int64

    init(now: @escaping @Sendable () -> Int64) {
        self.now = now
        heard = Mutex(now())
    }

    func note() { heard.withLock { $0 = now() } }

    /// Seconds for which nobody was heard; nil while that is not longer than `allowed`.
    func missing(longerThan allowed: Int) -> Int? {
        let seconds = Int((now() - heard.withLock { $0 }) / 1000)
        return seconds > allowed ? seconds : nil
    }
}
