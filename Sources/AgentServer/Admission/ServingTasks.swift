import Synchronization

/// The tasks that serve connections, until there shall be no others.
final class ServingTasks: Sendable {
    private struct State {
        var isOpen = true
        var last = 0
        var running: [Int: Task<Void, Never>] = [:]
    }

    private let state = Mutex(State())

    /// False once `end` was called: nothing was started then.
    func start(_ work: @escaping @Sendable () async -> Void) -> Bool {
        state.withLock { state in
            guard state.isOpen else { return false }
            state.last += 1
            let id = state.last
            state.running[id] = Task {
                await work()
                self.state.withLock { $0.running[id] = nil }
            }
            return true
        }
    }

    /// Cancels what runs and returns when nothing does.
    func end() async {
        let left = state.withLock { state in
            state.isOpen = false
            return Array(state.running.values)
        }
        for task in left { task.cancel() }
        for task in left { await task.value }
    }
}
