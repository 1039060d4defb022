internal import Synchronization

/// The requests and watches of one session that wait for a callback, each taken out exactly once.
///
/// Its lock is a leaf: the library calls back while it holds locks of its own, so nothing here may call the library.
final class CallTable: Sendable {
    enum Entry: Sendable {
        case call(OneShot<Reply>, path: String)
        case watch(OneShot<FiredEvent>)
    }

    private struct State {
        var entries: [Token: Entry] = [:]
        var sequence: UInt = 0
        var ending: ZooKeeperError?
    }

    private let state = Mutex(State())
    private let session: UInt

    init(session: UInt) { self.session = session }

    /// Why the session ends: what the library's «closing» then means.
    var ending: ZooKeeperError? { state.withLock { $0.ending } }

    var count: Int { state.withLock { $0.entries.count } }

    func add(_ entry: Entry) -> Token {
        state.withLock { state in
            state.sequence += 1
            let token = Token(session: session, sequence: state.sequence)
            state.entries[token] = entry
            return token
        }
    }

    func take(_ token: Token) -> Entry? { state.withLock { $0.entries.removeValue(forKey: token) } }

    /// From now on the library's «closing» reads as the reason that was given first, which is returned.
    @discardableResult
    func end(with reason: ZooKeeperError) -> ZooKeeperError {
        state.withLock { state in
            let first = state.ending ?? reason
            state.ending = first
            return first
        }
    }

    func takeAll() -> [Entry] {
        state.withLock { state in
            defer { state.entries = [:] }
            return Array(state.entries.values)
        }
    }
}
