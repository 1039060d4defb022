import Synchronization

/// What has come from a host and was not taken yet: bounded, whatever it sends and however long one here takes over it.
final class SessionIntake: Sendable {
    /// Several times what all that a host has to say takes.
    static let most = 2 << 20
    /// More than anything that is said takes.
    static let longestLine = 1 << 20

    private struct State {
        var waiting = 0
        var discarded = 0
        var isOver = false
    }

    /// Ends when the host has, and when nothing more is wanted of it.
    let events: AsyncStream<SessionMachine.Event>
    private let sink: AsyncStream<SessionMachine.Event>.Continuation
    private let state = Mutex(State())

    init() { (events, sink) = AsyncStream<SessionMachine.Event>.makeStream() }

    /// False when no more is to be read: the host sends more than anybody takes.
    func offer(_ event: SessionMachine.Event) -> Bool {
        let size = Self.size(of: event)
        return state.withLock { state in
            if state.isOver {
                state.discarded += size
                return state.discarded <= Self.most
            }
            state.waiting += size
            guard state.waiting <= Self.most else {
                state.isOver = true
                sink.yield(.tooMuch)
                sink.finish()
                return false
            }
            sink.yield(event)
            return true
        }
    }

    /// Of a line that has not ended yet; false as above.
    func holds(_ count: Int) -> Bool {
        guard count > Self.longestLine else { return true }
        state.withLock { state in
            if !state.isOver { sink.yield(.tooMuch) }
            state.isOver = true
            sink.finish()
        }
        return false
    }

    func took(_ event: SessionMachine.Event) {
        let size = Self.size(of: event)
        state.withLock { $0.waiting -= size }
    }

    /// What comes from now on is thrown away.
    func close() {
        state.withLock { $0.isOver = true }
        sink.finish()
    }

    /// The host has ended.
    func end() { sink.finish() }

    private static func size(of event: SessionMachine.Event) -> Int {
        // Each takes room beside its text.
        switch event {
        case .line(let line): line.utf8.count + 64
        case .sudoAsks, .tooMuch, .decided, .signed, .notSigned, .closed: 64
        }
    }
}
