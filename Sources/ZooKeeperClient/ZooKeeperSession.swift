package import Logging
import Logs
package import Topology

/// A session with an ensemble, kept up over reconnections by the system's C client.
///
/// Requests of one task are answered in order. A session that is let go of closes itself; `close` also waits for it.
package final class ZooKeeperSession: Sendable {
    let core: SessionCore

    private init(core: SessionCore) { self.core = core }

    deinit { core.end(.closed) }

    /// Gives a session that is connected and authenticated; nothing is left open when it throws.
    ///
    /// `timeout` bounds the wait for a server that answers; names are resolved within it.
    package static func connect(
        _ servers: ConnectString,
        timeout: Duration = .seconds(15),
        options: SessionOptions = SessionOptions(),
        log: Logger = .silent
    ) async throws(ZooKeeperError) -> ZooKeeperSession {
        switch options.transport {
        case .plain: break
        case .tls: throw .tlsUnavailable
        }
        let core = SessionCore(options: options, log: log)
        log.debug("opening a session with ZooKeeper", fields: ["servers": servers.description])
        core.open(servers, timeout: options.sessionTimeout)
        let session = ZooKeeperSession(core: core)
        do throws(ZooKeeperError) {
            try await session.becomeReady(servers, within: timeout, options.credentials)
        } catch {
            core.end(error)
            throw error
        }
        return session
    }

    /// The session's number, or nil while it has none or has ended.
    package var sessionID: SessionID? {
        if case .connected(let id, _) = state { id } else { nil }
    }

    package var state: SessionState { core.states.current }

    /// The present state and every later one; it finishes when the session ends.
    package func states() -> AsyncStream<SessionState> { core.states.follow() }

    /// Ends the session: its ephemeral nodes vanish, requests under way and watches end with `closed`.
    ///
    /// May be called any number of times, from any task. It waits until the library has let go, five seconds at most
    /// when a server hangs, also in a cancelled task.
    package func close() async {
        core.end(.closed)
        await core.ended()
    }

    /// Adds an identity to the session, kept over reconnections.
    package func authenticate(_ credentials: Credentials) async throws(ZooKeeperError) {
        try await core.addCredentials(credentials)
    }

    private func becomeReady(
        _ servers: ConnectString,
        within timeout: Duration,
        _ credentials: [Credentials]
    ) async throws(ZooKeeperError) {
        let core = core
        let alarm = Task {
            do { try await Task.sleep(for: timeout) } catch { return }
            core.end(.timeout("connecting to \(servers) within \(timeout)"))
        }
        defer { alarm.cancel() }
        _ = try await core.connected.value()
        for credential in credentials { try await authenticate(credential) }
    }
}
