internal import Synchronization

/// The sessions whose handles are open, by number: where a callback's token leads.
enum SessionRegistry {
    private struct State {
        var sessions: [UInt: SessionCore] = [:]
        var last: UInt = 0
    }

    private static let state = Mutex(State())

    static func number() -> UInt {
        state.withLock { state in
            repeat {
                state.last = state.last % (Token.sessions - 1) + 1
            } while state.sessions[state.last] != nil
            return state.last
        }
    }

    static func add(_ core: SessionCore) { state.withLock { $0.sessions[core.number] = core } }

    static func remove(_ core: SessionCore) {
        // Released outside the lock: a core's end may run anything.
        _ = state.withLock { $0.sessions.removeValue(forKey: core.number) }
    }

    static func core(of token: Token) -> SessionCore? { state.withLock { $0.sessions[token.session] } }

    static var count: Int { state.withLock { $0.sessions.count } }
}
