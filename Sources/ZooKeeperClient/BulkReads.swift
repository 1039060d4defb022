extension ZooKeeperSession {
    package typealias BulkResult<Value> = Result<Value, ZooKeeperError>

    /// Reads many nodes, pipelined within the session's window; results in the order of `paths`.
    ///
    /// This is not one consistent view: each node is as of its own moment.
    package func get(all paths: [String]) async -> [BulkResult<ZooKeeperNode>] {
        defer { withExtendedLifetime(self) {} }
        let core = core
        return await pipelined(paths) { path throws(ZooKeeperError) in try await core.get(path, watch: nil) }
    }

    package func children(all paths: [String]) async -> [BulkResult<NodeChildren>] {
        defer { withExtendedLifetime(self) {} }
        let core = core
        return await pipelined(paths) { path throws(ZooKeeperError) in
            try await core.children(path, watch: nil)
        }
    }

    /// Nil for a node that is not there.
    package func exists(all paths: [String]) async -> [BulkResult<NodeStat?>] {
        defer { withExtendedLifetime(self) {} }
        let core = core
        return await pipelined(paths) { path throws(ZooKeeperError) in try await core.exists(path, watch: nil)
        }
    }

    private func pipelined<Value: Sendable>(
        _ paths: [String],
        _ read: @escaping @Sendable (String) async throws(ZooKeeperError) -> Value
    ) async -> [BulkResult<Value>] {
        await withTaskGroup(of: (Int, BulkResult<Value>).self) { group in
            var results = [BulkResult<Value>](repeating: .failure(.cancelled), count: paths.count)
            var next = 0
            func add() {
                let index = next
                let path = paths[index]
                next += 1
                group.addTask { (index, await Self.outcome(path, read)) }
            }
            while next < paths.count, next < Self.tasksInFlight { add() }
            while let (index, result) = await group.next() {
                results[index] = result
                if next < paths.count { add() }
            }
            return results
        }
    }

    private static func outcome<Value>(
        _ path: String,
        _ read: (String) async throws(ZooKeeperError) -> Value
    ) async -> BulkResult<Value> {
        do {
            return .success(try await read(path))
        } catch {
            return .failure(error)
        }
    }

    private static var tasksInFlight: Int { 256 }
}
