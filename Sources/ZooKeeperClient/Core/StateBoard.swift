internal import Synchronization

/// The session's state and the streams that follow it.
final class StateBoard: Sendable {
    private struct State {
        var current = SessionState.connecting
        var followers: [UInt64: AsyncStream<SessionState>.Continuation] = [:]
        var next: UInt64 = 0
    }

    private let state = Mutex(State())

    var current: SessionState { state.withLock { $0.current } }

    /// The present state and every later one; it finishes with the session.
    ///
    /// A follower that falls behind by more than 64 changes misses the oldest.
    func follow() -> AsyncStream<SessionState> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: SessionState.self,
            bufferingPolicy: .bufferingNewest(64)
        )
        let id = state.withLock { state -> UInt64? in
            continuation.yield(state.current)
            if case .ended = state.current { return nil }
            state.next += 1
            state.followers[state.next] = continuation
            return state.next
        }
        if let id {
            continuation.onTermination = { [weak self] _ in self?.forget(id) }
        } else {
            continuation.finish()
        }
        return stream
    }

    /// Nothing follows an end.
    func set(_ new: SessionState) {
        let ended = state.withLock { state -> [AsyncStream<SessionState>.Continuation] in
            if case .ended = state.current { return [] }
            guard state.current != new else { return [] }
            state.current = new
            for follower in state.followers.values { follower.yield(new) }
            guard case .ended = new else { return [] }
            defer { state.followers = [:] }
            return Array(state.followers.values)
        }
        for follower in ended { follower.finish() }
    }

    private func forget(_ id: UInt64) {
        _ = state.withLock { $0.followers.removeValue(forKey: id) }
    }
}
