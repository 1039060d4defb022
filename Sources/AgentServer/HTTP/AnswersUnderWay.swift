import Synchronization

/// Counts requests that are not fully answered yet, so that stopping cuts off none of them.
final class AnswersUnderWay: Sendable {
    private struct State {
        var count = 0
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    func begin() { state.withLock { $0.count += 1 } }

    func end() {
        let waiting = state.withLock { state in
            state.count -= 1
            guard state.count == 0 else { return [CheckedContinuation<Void, Never>]() }
            defer { state.waiting = [] }
            return state.waiting
        }
        for waiter in waiting { waiter.resume() }
    }

    /// Returns at the first moment in which nothing is under way.
    func untilNone() async {
        await withCheckedContinuation { resume in
            let isNone = state.withLock { state in
                if state.count > 0 { state.waiting.append(resume) }
                return state.count == 0
            }
            if isNone { resume.resume() }
        }
    }
}
