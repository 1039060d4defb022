package import FoundationEssentials

/// A node's list with the stat of the same read.
package struct NodeAccess: Hashable, Sendable {
    package let list: AccessList
    package let stat: NodeStat
}

/// One request of many that are sent together.
package enum NodeWrite: Hashable, Sendable {
    case create(String, data: Data, mode: CreateMode, access: AccessList)
    /// Any version without `version`.
    case set(String, data: Data, version: Int32?)
    /// Only while the list has this version; any without.
    case setAccess(String, AccessList, version: Int32?)
    case delete(String, version: Int32?)
}

extension ZooKeeperSession {
    /// Sends all requests in their order before the first answer is awaited; the ensemble performs them in this order.
    ///
    /// Each stands for itself: one that fails keeps no later one from being performed. After a broken connection any of them
    /// may have happened.
    package func perform(all writes: [NodeWrite]) async -> [BulkResult<Void>] {
        defer { withExtendedLifetime(self) {} }
        let core = core
        return await ordered(writes) { write throws(ZooKeeperError) in try await core.begin(write) }
            .map { result in result.map { _ in () } }
    }

    /// Reads many lists, pipelined; results in the order of `paths`, nil for a node that is not there.
    package func access(all paths: [String]) async -> [BulkResult<NodeAccess?>] {
        defer { withExtendedLifetime(self) {} }
        let core = core
        return await zip(
            paths,
            ordered(paths) { path throws(ZooKeeperError) in try await core.beginAccess(path) }
        )
        .map { path, result in
            switch result {
            case .success(.access(let list, let stat)): .success(NodeAccess(list: list, stat: stat))
            case .success: .failure(.unexpectedReply(path))
            case .failure(.noNode): .success(nil)
            case .failure(let error): .failure(error)
            }
        }
    }

    private func ordered<Item>(
        _ items: [Item],
        _ begin: (Item) async throws(ZooKeeperError) -> OneShot<Reply>
    ) async -> [Result<Reply, ZooKeeperError>] {
        var begun: [Result<OneShot<Reply>, ZooKeeperError>] = []
        begun.reserveCapacity(items.count)
        for item in items {
            do throws(ZooKeeperError) { begun.append(.success(try await begin(item))) } catch {
                begun.append(.failure(error))
            }
        }
        var results: [Result<Reply, ZooKeeperError>] = []
        results.reserveCapacity(items.count)
        for asked in begun {
            do throws(ZooKeeperError) { results.append(.success(try await asked.get().value())) } catch {
                results.append(.failure(error))
            }
        }
        return results
    }
}

extension SessionCore {
    fileprivate func begin(_ write: NodeWrite) async throws(ZooKeeperError) -> OneShot<Reply> {
        switch write {
        case .create(let path, let data, let mode, let access):
            try await beginCreate(path, data, mode, access)
        case .set(let path, let data, let version): try await beginSet(path, data, version: version)
        case .setAccess(let path, let access, let version):
            try await beginSetAccess(path, access, version: version)
        case .delete(let path, let version): try await beginDelete(path, version: version)
        }
    }
}
