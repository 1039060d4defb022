import Synchronization
import SystemCalls

/// Time that passes only when somebody pauses; nobody's lease is due for renewal.
final class PassingTime: Sendable {
    private let time = Mutex(Duration.zero)

    var now: Duration { time.withLock { $0 } }

    var timing: Timing {
        Timing(
            now: { 0 },
            monotonic: { self.now },
            sleep: { duration in
                guard duration != .seconds(20) else {
                    do { try await Task.sleep(for: .seconds(3600)) } catch { return }
                    return
                }
                self.time.withLock { $0 += duration }
                await Task.yield()
            }
        )
    }
}
