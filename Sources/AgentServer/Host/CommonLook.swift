import Synchronization

/// How old what a caller is told may be.
enum Freshness: Hashable, Sendable {
    /// The look begins after the question.
    case now
    /// It began a second before the question at most, or is under way.
    case recent
}

/// Looks of several askers taken together: two run at a time at most, however many ask.
///
/// Whoever wants to see what is so now gets a look that began after its question: one that is just to begin, which all who wait for
/// it share.
final class CommonLook<Value: Sendable>: Sendable {
    private struct State {
        var running = 0
        /// Asked for, and to begin once another one ends.
        var next: [CheckedContinuation<Value, Never>] = []
        /// Whoever is content with a look that has begun already.
        var joined: [CheckedContinuation<Value, Never>] = []
        var latest: (value: Value, began: ContinuousClock.Instant)?
    }

    private static var most: Int { 2 }

    private let age: Duration
    private let look: @Sendable () async -> Value
    private let state = Mutex(State())

    init(age: Duration = .seconds(1), look: @escaping @Sendable () async -> Value) {
        self.age = age
        self.look = look
    }

    func value(_ freshness: Freshness) async -> Value {
        await withCheckedContinuation { resume in
            let known = state.withLock { state -> Value? in
                switch freshness {
                case .now: state.next.append(resume)
                case .recent:
                    if let latest = state.latest, latest.began.duration(to: .now) <= age {
                        return latest.value
                    }
                    if state.running > 0 { state.joined.append(resume) } else { state.next.append(resume) }
                }
                return nil
            }
            if let known { resume.resume(returning: known) } else { begin() }
        }
    }

    /// Begins the next look when somebody waits for it and one may run.
    private func begin() {
        let batch = state.withLock { state -> [CheckedContinuation<Value, Never>] in
            guard !state.next.isEmpty, state.running < Self.most else { return [] }
            defer { state.next = [] }
            state.running += 1
            return state.next
        }
        guard !batch.isEmpty else { return }
        let began = ContinuousClock.now
        Task {
            let value = await self.look()
            let joined = self.state.withLock { state in
                state.running -= 1
                if let latest = state.latest, latest.began > began {
                    // A later look has ended before this one.
                } else {
                    state.latest = (value, began)
                }
                defer { state.joined = [] }
                return state.joined
            }
            for waiting in batch + joined { waiting.resume(returning: value) }
            self.begin()
        }
    }
}
