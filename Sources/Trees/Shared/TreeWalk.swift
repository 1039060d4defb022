import SystemCalls
import ZooKeeperClient

/// Reads which nodes there are, deepest paths first, so that few have to be held.
struct TreeWalk {
    /// A node that was seen.
    struct Seen {
        let path: String
        let stat: NodeStat
        /// False where children are there and may not be read.
        let isWhole: Bool
    }

    static let most = 5_000_000

    private let session: TreeSession
    /// Left out, with all below.
    private let except: Set<String>
    private var open: [String]
    private var pace: Pace
    private var count = 0

    init(_ session: TreeSession, from roots: [String], except: Set<String>, rate: Int, timing: Timing) {
        self.session = session
        self.except = except
        open = roots.filter { !except.contains($0) }.reversed()
        pace = Pace(rate: rate, timing: timing)
    }

    /// The next nodes that are there; empty when there are no more.
    mutating func next() async throws(TreesError) -> [Seen] {
        while !open.isEmpty {
            guard !Task.isCancelled else { throw .zooKeeper(.cancelled) }
            guard count < Self.most, open.count < Self.most else { throw .tooMany(most: Self.most) }
            let paths = Array(open.suffix(pace.batch))
            open.removeLast(paths.count)
            await pace.wait(for: paths.count)
            let found = try await session.perform { session throws(TreesError) in
                var found: [(Seen, [String])] = []
                for (path, result) in zip(paths, await session.children(all: paths)) {
                    if let seen = try await Self.seen(path, result, session) { found.append(seen) }
                }
                return found
            }
            for (seen, names) in found {
                let prefix = seen.path == "/" ? "/" : seen.path + "/"
                open += names.map { prefix + $0 }.filter { !except.contains($0) }
            }
            count += found.count
            if !found.isEmpty { return found.map(\.0) }
        }
        return []
    }

    private static func seen(
        _ path: String,
        _ result: ZooKeeperSession.BulkResult<NodeChildren>,
        _ session: ZooKeeperSession
    ) async throws(TreesError) -> (Seen, [String])? {
        switch result {
        case .success(let children):
            return (Seen(path: path, stat: children.stat, isWhole: true), children.names)
        case .failure(.noNode): return nil
        case .failure(.noAuth):
            // That it exists is told to everybody.
            let stat = try await orTrees { () throws(ZooKeeperError) in try await session.exists(path) }
            return stat.map { (Seen(path: path, stat: $0, isWhole: $0.childCount == 0), []) }
        case .failure(let error): throw .zooKeeper(error)
        }
    }
}
