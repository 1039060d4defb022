internal import CZooKeeper
internal import Dispatch
internal import Glibc
internal import Logging
internal import Logs
internal import Synchronization
internal import SystemCalls
internal import Topology

/// Owns one handle of the library from its opening to its close.
///
/// Opening resolves names and closing waits for the server and for the library's threads, so both happen on a queue of
/// the session's own, never on a thread of the library or of the concurrency runtime. The registry keeps a core alive
/// until its close has returned.
final class SessionCore: Sendable {
    /// A handle that may be sent between threads, because nobody but its closer can reach it once it is being freed.
    ///
    /// Requests are made only inside `phase`'s lock and only in `open`; the close first takes the handle out under the
    /// same lock.
    private struct Handle: @unchecked Sendable { let pointer: OpaquePointer }

    private enum Phase: Sendable {
        case opening
        case open(Handle)
        case ended(ZooKeeperError)
    }

    let number: UInt
    let states = StateBoard()
    let connected = OneShot<SessionID>()
    let calls: CallTable
    private let window: RequestWindow
    private let phase = Mutex(Phase.opening)
    /// Set after `phase` was: what a callback may look at, which must not wait for the lock of `phase`.
    private let isOpen = Atomic(false)
    private let finished = OneShot<Void>()
    private let queue: DispatchQueue
    private let log: Logger
    /// Events of watches so far; the library tells them one after another.
    private let told = Atomic<UInt64>(0)

    init(options: SessionOptions, log: Logger) {
        self.log = log
        number = SessionRegistry.number()
        calls = CallTable(session: number)
        window = RequestWindow(size: max(1, min(options.requestsInFlight, 10_000)))
        queue = DispatchQueue(label: "mitosis.zookeeper.\(number)")
    }

    /// Returns at once; `connected` tells how it went.
    func open(_ servers: ConnectString, timeout: Duration) {
        SessionRegistry.add(self)
        queue.async { self.openNow(servers, milliseconds: timeout.libraryMilliseconds) }
    }

    /// Ends the session for `reason` unless it has ended; returns at once.
    func end(_ latest: ZooKeeperError) {
        let reason = calls.end(with: latest)
        let (handle, isFirst) = phase.withLock { phase -> (Handle?, Bool) in
            switch phase {
            case .opening:
                phase = .ended(reason)
                return (nil, true)
            case .open(let handle):
                phase = .ended(reason)
                return (handle, true)
            case .ended: return (nil, false)
            }
        }
        guard isFirst else { return }
        log.debug("session with ZooKeeper ends", fields: ["number": String(number), "reason": "\(reason)"])
        // Now, as `finish` may stand behind a resolution of names that takes its time.
        connected.settle(.failure(reason))
        queue.async { self.finish(handle, reason) }
    }

    /// Returns once the library has let go of the session, also in a cancelled task.
    func ended() async { _ = await finished.settled() }

    func changed(_ state: SessionState) {
        guard calls.ending == nil else { return }
        states.set(state)
        log.debug("session with ZooKeeper", fields: ["number": String(number), "state": state.word])
        settleConnected()
    }

    /// Not before requests are let through: a server may answer while the library has yet to return the handle.
    private func settleConnected() {
        guard isOpen.load(ordering: .sequentiallyConsistent), case .connected(let id, _) = states.current
        else { return }
        connected.settle(.success(id))
    }

    /// Makes one request when its turn comes and awaits its reply.
    func perform(
        _ path: String,
        _ send: (OpaquePointer, UnsafeRawPointer?) -> Int32
    ) async throws(ZooKeeperError) -> Reply {
        try await begin(path, send).value()
    }

    /// Makes one request when its turn comes, and leaves its reply to be awaited.
    ///
    /// `send` runs under the lock of the handle; the library copies what it is given before it returns.
    func begin(
        _ path: String,
        _ send: (OpaquePointer, UnsafeRawPointer?) -> Int32
    ) async throws(ZooKeeperError) -> OneShot<Reply> {
        guard !path.utf8.contains(0) else { throw .invalidArguments("a path with a zero byte in it") }
        guard !Task.isCancelled else { throw .cancelled }
        try await window.enter()
        let call = OneShot<Reply>()
        let token = calls.add(.call(call, path: path))
        if let failure = submit(path, { send($0, UnsafeRawPointer(token.context)) }) {
            settle(token, .failure(failure))
        }
        return call
    }

    func completed(_ token: Token, _ outcome: RawOutcome) {
        guard case .call(let call, let path)? = calls.take(token) else { return }
        window.leave()
        switch outcome {
        case .success(let reply): call.settle(.success(reply))
        case .failure(let code):
            let error = error(code, path)
            endIfFatal(error)
            call.settle(.failure(error))
        }
    }

    /// A reply may tell the end before the session's own event does; a close in between must not hide it.
    private func endIfFatal(_ error: ZooKeeperError) {
        guard error == .authenticationFailed || error == .sessionExpired else { return }
        calls.end(with: error)
        // Not here: the library may hold the lock that a request under `phase`'s lock waits for.
        queue.async { self.end(error) }
    }

    func fired(_ token: Token, _ event: WatchEvent) {
        guard case .watch(let watch)? = calls.take(token) else { return }
        let order = told.add(1, ordering: .relaxed).newValue
        watch.settle(.success(FiredEvent(event: event, order: order)))
    }

    private func settle(_ token: Token, _ outcome: Result<Reply, ZooKeeperError>) {
        guard case .call(let call, _)? = calls.take(token) else { return }
        window.leave()
        call.settle(outcome)
    }

    private func submit(_ path: String, _ send: (OpaquePointer) -> Int32) -> ZooKeeperError? {
        phase.withLock { phase in
            switch phase {
            case .opening: return .connectionLoss
            case .ended(let reason): return reason
            case .open(let handle):
                let code = send(handle.pointer)
                switch ZOO_ERRORS(rawValue: code) {
                case ZOK: return nil
                case ZINVALIDSTATE: return Self.invalidState(handle.pointer)
                default: return error(code, path)
                }
            }
        }
    }

    private func error(_ code: Int32, _ path: String) -> ZooKeeperError {
        let error = ZooKeeperError(code: code, path: path)
        switch error {
        case .closed: return calls.ending ?? .closed
        // A server that is told of the end closes the connection; what is still on its way then was ended, not lost.
        case .connectionLoss: return calls.ending ?? .connectionLoss
        case _: return error
        }
    }

    private static func invalidState(_ handle: OpaquePointer) -> ZooKeeperError {
        switch zoo_state(handle) {
        case ZOO_EXPIRED_SESSION_STATE: .sessionExpired
        case ZOO_AUTH_FAILED_STATE: .authenticationFailed
        default: .connectionLoss
        }
    }

    private func openNow(_ servers: ConnectString, milliseconds: Int32) {
        zoo_set_debug_level(ZOO_LOG_LEVEL_WARN)
        let opened = zookeeper_init2(
            servers.libraryForm,
            Callbacks.session,
            milliseconds,
            nil,
            Token(session: number, sequence: 0).context,
            Int32(ZOO_NO_LOG_CLIENTENV),
            { message in ClientLog.receive(message) }
        )
        guard let opened else {
            let reason = systemReason()
            let failure = ZooKeeperError.unresolvable(servers: servers.description, reason: reason)
            end(failure)
            return
        }
        let handle = Handle(pointer: opened)
        let reason = phase.withLock { phase -> ZooKeeperError? in
            switch phase {
            case .opening:
                phase = .open(handle)
                return nil
            case .open: return nil
            case .ended(let reason): return reason
            }
        }
        // Ended while names were being resolved: `finish` comes next on this queue and had no handle to close.
        guard reason == nil else {
            zookeeper_close(opened)
            return
        }
        isOpen.store(true, ordering: .sequentiallyConsistent)
        settleConnected()
    }

    /// The library forgets some requests when a close meets a busy callback, and all watches: they end here.
    private func finish(_ handle: Handle?, _ reason: ZooKeeperError) {
        if let handle { zookeeper_close(handle.pointer) }
        SessionRegistry.remove(self)
        for entry in calls.takeAll() {
            switch entry {
            case .call(let call, _):
                window.leave()
                call.settle(.failure(reason))
            case .watch(let watch): watch.settle(.failure(reason))
            }
        }
        states.set(.ended(reason))
        finished.settle(.success(()))
    }
}

extension SessionState {
    /// Without the session's id.
    fileprivate var word: String {
        switch self {
        case .connecting: "connecting"
        case .connected: "connected"
        case .ended: "ended"
        }
    }
}

extension ConnectString {
    /// The library takes what follows the last colon as the port and knows no brackets.
    var libraryForm: String { servers.map { "\($0.host):\($0.port)" }.joined(separator: ",") + chroot }
}

extension Duration {
    /// At least one, and what fits the library's type.
    var libraryMilliseconds: Int32 {
        components.seconds < 1_000_000 ? Int32(max(1, milliseconds)) : 1_000_000_000
    }
}
