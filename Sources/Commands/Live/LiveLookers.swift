import Synchronization
import SystemCalls

/// Who looks at hosts, and at Kafka, for the live view: each a task of its own.
final class LiveLookers: Sendable {
    private let patience: Duration
    /// Those that began last, at work or on their way to the end.
    private let tasks = Mutex<[Task<Void, Never>]>([])

    /// - Parameter patience: how long their end is waited for.
    init(patience: Duration = .seconds(5)) { self.patience = patience }

    /// The first waits for the first of those that began before, and so on: what that one closes at its end must not be in use
    /// again.
    ///
    /// - Parameter works: each until it is cancelled.
    func begin(_ works: [@Sendable () async -> Void]) {
        end()
        tasks.withLock { tasks in
            let before = tasks
            tasks = works.enumerated().map { number, work in
                Task {
                    if before.indices.contains(number) { await before[number].value }
                    await work()
                }
            }
        }
    }

    /// Waits for nobody: who looks may have a slow host or server to wait for, and shows nothing any more.
    func end() {
        for task in tasks.withLock({ $0 }) { task.cancel() }
    }

    /// Returns when each has closed what it holds open, or has had its time.
    func close() async {
        end()
        let tasks = tasks.withLock { $0 }
        _ = await Deadline.abandoning(after: patience) {
            for task in tasks { await task.value }
        }
    }
}
