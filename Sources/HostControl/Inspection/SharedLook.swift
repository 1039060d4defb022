import Glibc
import Synchronization
import SystemCalls

/// A look that blocks, taken one at a time on a thread of its own, for callers that wait only so long.
///
/// Whoever asks during a look gets the next one, which all of them share: what a caller is told was never read before
/// it asked. A look that hangs (a dead disk) holds its one thread and nobody else.
final class SharedLook<Value: Sendable>: Sendable {
    typealias Body = @Sendable () -> Value

    private struct Waiting {
        let continuation: CheckedContinuation<Value?, Never>
        /// Ends the wait when its time is up.
        var alarm: Task<Void, Never>?
    }

    private struct State {
        var isBusy = false
        var tickets: UInt64 = 0
        /// Whoever waits for the look under way, or for the next.
        var waiting: [UInt64: Waiting] = [:]
        var next: [UInt64] = []
        /// The newest caller's: what it asks for is what holds now.
        var body: Body?
    }

    private let state = Mutex(State())

    /// Nil when there is no answer in time.
    func value(within limit: Duration, _ body: @escaping Body) async -> Value? {
        let ticket = state.withLock { state in
            state.tickets += 1
            return state.tickets
        }
        return await withCheckedContinuation { continuation in
            let isFirst = state.withLock { state in
                state.waiting[ticket] = Waiting(continuation: continuation)
                state.next.append(ticket)
                state.body = body
                defer { state.isBusy = true }
                return !state.isBusy
            }
            let alarm = Task {
                do { try await Task.sleep(for: limit) } catch { return }
                self.answer([ticket], nil)
            }
            state.withLock { $0.waiting[ticket]?.alarm = alarm }
            if isFirst { BlockingThread.start { self.look() } }
        }
    }

    private func look() {
        while true {
            let (batch, body) = state.withLock { state in
                defer { (state.next, state.body) = ([], nil) }
                state.next.removeAll { [waiting = state.waiting] in waiting[$0] == nil }
                if state.next.isEmpty { state.isBusy = false }
                return (state.next, state.body)
            }
            guard !batch.isEmpty, let body else { return }
            answer(batch, body())
        }
    }

    private func answer(_ tickets: [UInt64], _ value: Value?) {
        let due = state.withLock { state in tickets.compactMap { state.waiting.removeValue(forKey: $0) } }
        for waiting in due {
            waiting.alarm?.cancel()
            waiting.continuation.resume(returning: value)
        }
    }
}
