internal import CZooKeeper
package import FoundationEssentials

/// Each call holds its session: one that nobody else holds any more ends after its answer, not before.
extension ZooKeeperSession {
    package func get(_ path: String) async throws(ZooKeeperError) -> ZooKeeperNode {
        defer { withExtendedLifetime(self) {} }
        return try await core.get(path, watch: nil)
    }

    package func children(_ path: String) async throws(ZooKeeperError) -> NodeChildren {
        defer { withExtendedLifetime(self) {} }
        return try await core.children(path, watch: nil)
    }

    /// Nil when there is no such node.
    package func exists(_ path: String) async throws(ZooKeeperError) -> NodeStat? {
        defer { withExtendedLifetime(self) {} }
        return try await core.exists(path, watch: nil)
    }

    /// Who may do what with the node; the server may hide the digests of others.
    package func access(_ path: String) async throws(ZooKeeperError) -> AccessList {
        defer { withExtendedLifetime(self) {} }
        let reply = try await core.beginAccess(path).value()
        guard case .access(let list, _) = reply else { throw .unexpectedReply(path) }
        return list
    }

    /// Any version of the list is replaced.
    package func setAccess(_ path: String, _ access: AccessList) async throws(ZooKeeperError) {
        defer { withExtendedLifetime(self) {} }
        _ = try await core.beginSetAccess(path, access, version: nil).value()
    }

    /// Gives the path of the new node, which a sequential mode has numbered.
    package func create(
        _ path: String,
        data: Data = Data(),
        mode: CreateMode = .persistent,
        access: AccessList = .open
    ) async throws(ZooKeeperError) -> String {
        defer { withExtendedLifetime(self) {} }
        let reply = try await core.beginCreate(path, data, mode, access).value()
        guard case .path(let created) = reply else { throw .unexpectedReply(path) }
        return created
    }

    /// Any version without `version`.
    @discardableResult
    package func set(
        _ path: String,
        data: Data,
        version: Int32? = nil
    ) async throws(ZooKeeperError) -> NodeStat {
        defer { withExtendedLifetime(self) {} }
        let reply = try await core.beginSet(path, data, version: version).value()
        guard case .stat(let stat) = reply else { throw .unexpectedReply(path) }
        return stat
    }

    /// Any version without `version`.
    package func delete(_ path: String, version: Int32? = nil) async throws(ZooKeeperError) {
        defer { withExtendedLifetime(self) {} }
        _ = try await core.beginDelete(path, version: version).value()
    }

    /// Later reads of this session see at least what the leader had committed by now.
    package func sync(_ path: String) async throws(ZooKeeperError) {
        defer { withExtendedLifetime(self) {} }
        _ = try await core.perform(path) { handle, context in
            zoo_async(handle, path, Callbacks.path, context)
        }
    }
}

extension SessionCore {
    func beginSetAccess(
        _ path: String,
        _ access: AccessList,
        version: Int32?
    ) async throws(ZooKeeperError) -> OneShot<Reply> {
        try await begin(path) { handle, context in
            access.withVector { list in
                // The library copies the list before it returns, and does not change it.
                zoo_aset_acl(
                    handle,
                    path,
                    version ?? -1,
                    UnsafeMutablePointer(mutating: list),
                    Callbacks.done,
                    context
                )
            }
        }
    }

    func beginCreate(
        _ path: String,
        _ data: Data,
        _ mode: CreateMode,
        _ access: AccessList
    ) async throws(ZooKeeperError) -> OneShot<Reply> {
        try await begin(path) { handle, context in
            access.withVector { list in
                data.withBytes { bytes, count in
                    zoo_acreate(handle, path, bytes, count, list, mode.flag, Callbacks.path, context)
                }
            }
        }
    }

    func beginSet(_ path: String, _ data: Data, version: Int32?) async throws(ZooKeeperError)
        -> OneShot<Reply>
    {
        try await begin(path) { handle, context in
            data.withBytes { bytes, count in
                zoo_aset(handle, path, bytes, count, version ?? -1, Callbacks.stat, context)
            }
        }
    }

    func beginDelete(_ path: String, version: Int32?) async throws(ZooKeeperError) -> OneShot<Reply> {
        try await begin(path) { handle, context in
            zoo_adelete(handle, path, version ?? -1, Callbacks.done, context)
        }
    }

    func beginAccess(_ path: String) async throws(ZooKeeperError) -> OneShot<Reply> {
        try await begin(path) { handle, context in
            zoo_aget_acl(handle, path, Callbacks.access, context)
        }
    }

    func beginGet(_ path: String) async throws(ZooKeeperError) -> OneShot<Reply> {
        try await begin(path) { handle, context in
            zoo_awget(handle, path, nil, nil, Callbacks.node, context)
        }
    }

    func get(_ path: String, watch: Token?) async throws(ZooKeeperError) -> ZooKeeperNode {
        let reply = try await perform(path) { handle, context in
            let watcher = watch.map { _ in Callbacks.watch }
            return zoo_awget(handle, path, watcher, watch?.context, Callbacks.node, context)
        }
        guard case .node(let node) = reply else { throw .unexpectedReply(path) }
        return node
    }

    func children(_ path: String, watch: Token?) async throws(ZooKeeperError) -> NodeChildren {
        let reply = try await perform(path) { handle, context in
            let watcher = watch.map { _ in Callbacks.watch }
            return zoo_awget_children2(handle, path, watcher, watch?.context, Callbacks.children, context)
        }
        guard case .children(let children) = reply else { throw .unexpectedReply(path) }
        return children
    }

    func exists(_ path: String, watch: Token?) async throws(ZooKeeperError) -> NodeStat? {
        do throws(ZooKeeperError) {
            let reply = try await perform(path) { handle, context in
                let watcher = watch.map { _ in Callbacks.watch }
                return zoo_awexists(handle, path, watcher, watch?.context, Callbacks.stat, context)
            }
            guard case .stat(let stat) = reply else { throw ZooKeeperError.unexpectedReply(path) }
            return stat
        } catch {
            if case .noNode = error { return nil }
            throw error
        }
    }

    func addCredentials(_ credentials: Credentials) async throws(ZooKeeperError) {
        _ = try await perform("") { handle, context in
            credentials.secret.withUnsafeBytes { secret in
                let bytes = secret.baseAddress?.assumingMemoryBound(to: CChar.self)
                return zoo_add_auth(
                    handle,
                    credentials.scheme,
                    bytes,
                    Int32(clamping: secret.count),
                    Callbacks.done,
                    context
                )
            }
        }
    }
}

extension ZooKeeperError {
    static func unexpectedReply(_ path: String) -> ZooKeeperError {
        .other(code: 0, path: path, text: "a reply of another kind than was asked for")
    }
}

extension Data {
    /// Never a null pointer, which would make a node without data.
    fileprivate func withBytes<Result>(_ body: (UnsafePointer<CChar>, Int32) -> Result) -> Result {
        let terminated = [UInt8](self) + [0]
        return terminated.withUnsafeBufferPointer { buffer in
            buffer.withMemoryRebound(to: CChar.self) { characters in
                // The terminator makes the base address exist.
                guard let base = characters.baseAddress else { return body("", 0) }
                return body(base, Int32(clamping: characters.count - 1))
            }
        }
    }
}
