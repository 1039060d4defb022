import Synchronization
package import SystemCalls

/// A clock that a test moves; who sleeps is waiting for it, or is woken by the end of its task.
package final class ManualClock: Sendable {
    private struct State {
        var now = Duration.zero
        var next = 0
        var sleepers: [Int: (until: Duration, continuation: CheckedContinuation<Void, Never>)] = [:]
        var cancelled: Set<Int> = []
    }

    private let state = Mutex(State())

    package init() {}

    package var timing: Timing {
        Timing(
            now: { self.state.withLock { Int64($0.now.milliseconds) } },
            monotonic: { self.state.withLock { $0.now } },
            sleep: { await self.sleep($0) }
        )
    }

    /// Moves on as soon as that many sleep, and wakes whose time has come.
    ///
    /// Who is still on the way to sleep would begin only at the new time.
    package func advance(by duration: Duration, asSoonAs count: Int = 1) async {
        while state.withLock({ $0.sleepers.count < count }) { await Task.yield() }
        let due = state.withLock { state in
            state.now += duration
            let due = state.sleepers.filter { $0.value.until <= state.now }
            for id in due.keys { state.sleepers[id] = nil }
            return due.values.map(\.continuation)
        }
        for continuation in due { continuation.resume() }
    }

    private func sleep(_ duration: Duration) async {
        let (id, until) = state.withLock { state in
            state.next += 1
            return (state.next, state.now + duration)
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    if state.cancelled.contains(id) { return true }
                    state.sleepers[id] = (until, continuation)
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            let continuation = state.withLock { state in
                state.cancelled.insert(id)
                return state.sleepers.removeValue(forKey: id)?.continuation
            }
            continuation?.resume()
        }
    }
}
