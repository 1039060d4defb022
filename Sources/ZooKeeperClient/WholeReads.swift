package import FoundationEssentials

/// All that ZooKeeper keeps of a node: two reads and, where a read is not allowed, a third.
package struct WholeNode: Hashable, Sendable {
    package let stat: NodeStat
    /// Nil when the session may not read it.
    package let data: Data?
    /// Nil when the session may not read it.
    package let access: AccessList?

    package init(stat: NodeStat, data: Data?, access: AccessList?) {
        self.stat = stat
        self.data = data
        self.access = access
    }
}

extension ZooKeeperSession {
    /// Reads many nodes whole, all requests on their way before the first answer is awaited, within the session's window.
    ///
    /// Results are in the order of `paths`, nil for a node that is not there. Data and list of a node may be of two moments.
    package func whole(all paths: [String]) async -> [BulkResult<WholeNode?>] {
        defer { withExtendedLifetime(self) {} }
        var asked: [AskedNode] = []
        asked.reserveCapacity(paths.count)
        for path in paths { asked.append(await AskedNode(path, core)) }
        var results: [BulkResult<WholeNode?>] = []
        results.reserveCapacity(paths.count)
        for node in asked { results.append(await node.result(core)) }
        return results
    }
}

/// The two requests about a node that are on their way.
private struct AskedNode {
    typealias Asked = Result<OneShot<Reply>, ZooKeeperError>

    private let path: String
    private let node: Asked
    private let access: Asked

    init(_ path: String, _ core: SessionCore) async {
        self.path = path
        do throws(ZooKeeperError) { node = .success(try await core.beginGet(path)) } catch {
            node = .failure(error)
        }
        do throws(ZooKeeperError) { access = .success(try await core.beginAccess(path)) } catch {
            access = .failure(error)
        }
    }

    func result(_ core: SessionCore) async -> Result<WholeNode?, ZooKeeperError> {
        do throws(ZooKeeperError) {
            return .success(try await whole(core))
        } catch {
            if case .noNode = error { return .success(nil) }
            return .failure(error)
        }
    }

    private func whole(_ core: SessionCore) async throws(ZooKeeperError) -> WholeNode? {
        let read = try await unlessDenied(node)
        let listed = try await unlessDenied(access)
        var list: AccessList?
        if case .access(let entries, _)? = listed { list = entries }
        if case .node(let node)? = read {
            return WholeNode(stat: node.stat, data: node.data, access: list)
        }
        if case .access(let entries, let stat)? = listed {
            return WholeNode(stat: stat, data: nil, access: entries)
        }
        // Whether a node exists is told to everybody.
        guard let stat = try await core.exists(path, watch: nil) else { return nil }
        return WholeNode(stat: stat, data: nil, access: nil)
    }

    /// Nil when the session may not.
    private func unlessDenied(_ asked: Asked) async throws(ZooKeeperError) -> Reply? {
        do throws(ZooKeeperError) {
            return try await asked.get().value()
        } catch {
            if case .noAuth = error { return nil }
            throw error
        }
    }
}
