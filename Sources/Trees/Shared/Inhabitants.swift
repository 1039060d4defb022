package import ZooKeeperClient

/// A session that owns ephemeral nodes where nobody should live.
package struct Inhabitant: Hashable, Sendable {
    package let session: SessionID
    /// The first of its nodes.
    package let path: String
    /// All of them.
    package let count: Int

    package init(session: SessionID, path: String, count: Int) {
        self.session = session
        self.path = path
        self.count = count
    }

    /// For instance `session 0x17 owns /app/lock and 2 more`.
    package var sentence: String {
        "session \(session) owns \(path)" + (count > 1 ? " and \(count - 1) more" : "")
    }
}

/// Ephemeral nodes, by who owns them: what is told of those who live where nobody should.
package struct Inhabitants: Sendable {
    private static let most = 10_000
    private var paths: [SessionID: (first: String, count: Int)] = [:]
    private(set) var nodes = 0

    mutating func note(_ path: String, _ stat: NodeStat) {
        guard let owner = stat.ephemeralOwner else { return }
        nodes += 1
        guard paths[owner] != nil || paths.count < Self.most else { return }
        let known = paths[owner] ?? (path, 0)
        paths[owner] = (min(known.first, path), known.count + 1)
    }

    func check() throws(TreesError) {
        guard nodes > 0 else { return }
        let owners = paths.map { Inhabitant(session: $0.key, path: $0.value.first, count: $0.value.count) }
        throw .inhabited(owners: owners.sorted { $0.path < $1.path }, nodes: nodes)
    }
}

extension TreeSession {
    /// Those of them who own the node that they are known by as before: what a session owns goes all at once.
    package func remaining(_ inhabitants: [Inhabitant]) async throws(TreesError) -> [Inhabitant] {
        var remaining: [Inhabitant] = []
        for part in inhabitants.chunks(of: 64) {
            remaining += try await perform { session throws(TreesError) in
                var found: [Inhabitant] = []
                for (inhabitant, result) in zip(part, await session.exists(all: part.map(\.path)))
                where try result.orTrees()?.ephemeralOwner == inhabitant.session {
                    found.append(inhabitant)
                }
                return found
            }
        }
        return remaining
    }
}
