/// One promise of the server to tell one change.
///
/// It survives reconnections within its session. Letting go of it forgets it.
package final class NodeWatch: Sendable {
    private let core: SessionCore
    private let token: Token
    private let outcome: OneShot<FiredEvent>

    fileprivate init(core: SessionCore) {
        self.core = core
        outcome = OneShot()
        token = core.calls.add(.watch(outcome))
    }

    deinit { _ = core.calls.take(token) }

    /// Waits for the change; throws when the session ends first.
    package func event() async throws(ZooKeeperError) -> WatchEvent { try await outcome.value().event }

    /// The same as `event`: its place among all that the session was told by watches.
    package func order() async throws(ZooKeeperError) -> UInt64 { try await outcome.value().order }

    fileprivate func registering<Value>(
        _ read: (Token) async throws(ZooKeeperError) -> Value
    ) async throws(ZooKeeperError) -> Value {
        let value = try await read(token)
        // A session that ended between the token and the read would leave the watch waiting for ever.
        if let ending = core.calls.ending { throw ending }
        return value
    }
}

extension ZooKeeperSession {
    /// Reads the node; the watch tells its next change or its deletion.
    package func getWatching(_ path: String) async throws(ZooKeeperError) -> (ZooKeeperNode, NodeWatch) {
        defer { withExtendedLifetime(self) {} }
        let core = core
        let watch = NodeWatch(core: core)
        let node = try await watch.registering { token throws(ZooKeeperError) in
            try await core.get(path, watch: token)
        }
        return (node, watch)
    }

    /// Reads the children; the watch tells the next change of the list or the node's deletion.
    package func childrenWatching(
        _ path: String
    ) async throws(ZooKeeperError) -> (NodeChildren, NodeWatch) {
        defer { withExtendedLifetime(self) {} }
        let core = core
        let watch = NodeWatch(core: core)
        let children = try await watch.registering { token throws(ZooKeeperError) in
            try await core.children(path, watch: token)
        }
        return (children, watch)
    }

    /// Looks for the node; the watch tells its creation, next change or deletion.
    package func existsWatching(_ path: String) async throws(ZooKeeperError) -> (NodeStat?, NodeWatch) {
        defer { withExtendedLifetime(self) {} }
        let core = core
        let watch = NodeWatch(core: core)
        let stat = try await watch.registering { token throws(ZooKeeperError) in
            try await core.exists(path, watch: token)
        }
        return (stat, watch)
    }
}
