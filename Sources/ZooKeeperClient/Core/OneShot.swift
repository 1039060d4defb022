internal import Synchronization

/// A result that is set once and may be awaited by any number of tasks, before or after.
final class OneShot<Value: Sendable>: Sendable {
    typealias Outcome = Result<Value, ZooKeeperError>

    private struct State {
        var outcome: Outcome?
        var waiting: [UInt64: CheckedContinuation<Outcome, Never>] = [:]
        /// Waits that were cancelled before they began.
        var cancelled: Set<UInt64> = []
        var next: UInt64 = 0
    }

    private let state = Mutex(State())

    /// Later outcomes than the first are ignored.
    func settle(_ outcome: Outcome) {
        let waiting = state.withLock { state -> [UInt64: CheckedContinuation<Outcome, Never>] in
            guard state.outcome == nil else { return [:] }
            state.outcome = outcome
            defer { state.waiting = [:] }
            return state.waiting
        }
        for continuation in waiting.values { continuation.resume(returning: outcome) }
    }

    /// Cancelling the awaiting task ends the wait, not what is waited for.
    func value() async throws(ZooKeeperError) -> Value {
        let wait = reserve()
        let outcome = await withTaskCancellationHandler {
            await self.outcome(for: wait)
        } onCancel: {
            self.cancel(wait)
        }
        return try outcome.get()
    }

    /// The outcome, awaited to the end even in a cancelled task.
    func settled() async -> Outcome { await outcome(for: reserve()) }

    private func reserve() -> UInt64 {
        state.withLock { state in
            state.next += 1
            return state.next
        }
    }

    private func outcome(for wait: UInt64) async -> Outcome {
        await withCheckedContinuation { continuation in
            let known = state.withLock { state -> Outcome? in
                if let outcome = state.outcome { return outcome }
                if state.cancelled.remove(wait) != nil { return .failure(.cancelled) }
                state.waiting[wait] = continuation
                return nil
            }
            if let known { continuation.resume(returning: known) }
        }
    }

    private func cancel(_ wait: UInt64) {
        let continuation = state.withLock { state -> CheckedContinuation<Outcome, Never>? in
            if let continuation = state.waiting.removeValue(forKey: wait) { return continuation }
            if state.outcome == nil { state.cancelled.insert(wait) }
            return nil
        }
        continuation?.resume(returning: .failure(.cancelled))
    }
}
