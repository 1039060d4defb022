internal import Synchronization

/// Lets a bounded number of requests under way; the others wait in order of arrival.
///
/// Besides memory this protects the library: it wakes its own thread through a pipe, one byte a request, and closes
/// the connection under that thread's feet when the pipe is full.
final class RequestWindow: Sendable {
    private struct State {
        var free: Int
        var waiting: [UInt64: OneShot<Void>] = [:]
        var head: UInt64 = 0
        var tail: UInt64 = 0
    }

    private let state: Mutex<State>

    init(size: Int) { state = Mutex(State(free: size)) }

    func enter() async throws(ZooKeeperError) {
        let turn = OneShot<Void>()
        let place = state.withLock { state -> UInt64? in
            guard state.free == 0 else {
                state.free -= 1
                return nil
            }
            state.waiting[state.tail] = turn
            state.tail += 1
            return state.tail - 1
        }
        guard let place else { return }
        do {
            try await turn.value()
        } catch {
            // Cancelled; a turn that came at the same moment is passed on.
            let wasWaiting = state.withLock { $0.waiting.removeValue(forKey: place) != nil }
            if !wasWaiting { leave() }
            throw error
        }
    }

    func leave() {
        let next = state.withLock { state -> OneShot<Void>? in
            while state.head < state.tail {
                state.head += 1
                if let turn = state.waiting.removeValue(forKey: state.head - 1) { return turn }
            }
            state.free += 1
            return nil
        }
        next?.settle(.success(()))
    }
}
