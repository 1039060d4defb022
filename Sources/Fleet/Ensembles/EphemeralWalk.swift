import Settings
import SystemCalls
import Topology
import ZooKeeperClient

/// Walks trees for ephemeral nodes: one read for each node, many under way at once, so many in a second.
struct EphemeralWalk {
    /// Nodes that are asked about together.
    private static let batch = 500
    /// Nodes of all trees; what is beyond is not looked at, and said.
    private static let mostNodes = 2_000_000
    /// Sessions that are told; beyond nobody reads them one by one.
    private static let mostOwners = 20_000
    /// Nodes that are told by name: the plan may say of each that it does not matter.
    private static let mostUnreadable = 1000

    private let question: CensusQuestion
    private let timing: Timing
    private let wanted: Set<String>
    /// Each is walked by itself, and not as part of another.
    private let trees: Set<String>
    private var owners: [SessionNumber: TreeEphemerals.Owner] = [:]
    private var byTree: [String: Set<SessionNumber>] = [:]
    private var named: [String: SessionNumber] = [:]
    private var missing: Set<String> = []
    private var nodes = 0
    private var unreadable: [String] = []
    private var unreadableCount = 0
    private var isWhole = true

    init(_ question: CensusQuestion, timing: Timing = .system) {
        self.question = question
        self.timing = timing
        wanted = Set(question.named)
        trees = Set(question.trees)
    }

    /// - Parameter session: everything is read over it, after a sync.
    mutating func perform(over session: ZooKeeperSession) async throws(ZooKeeperError) -> TreeEphemerals {
        try await session.sync("/")
        let began = timing.monotonic()
        var open = Array(trees)
        while !open.isEmpty {
            guard nodes < Self.mostNodes, owners.count < Self.mostOwners else {
                isWhole = false
                break
            }
            // From the end: what waits stays as small as the tree is deep.
            let paths = Array(open.suffix(Self.batch))
            open.removeLast(paths.count)
            for (path, result) in zip(paths, await session.children(all: paths)) {
                open += try await below(path, result, session)
            }
            nodes += paths.count
            let due = Duration.seconds(Double(nodes) / Double(max(1, question.rate)))
            let ahead = due - (timing.monotonic() - began)
            if ahead > .zero { await timing.sleep(ahead) }
            guard !Task.isCancelled else { throw .cancelled }
        }
        return TreeEphemerals(
            owners: owners.values.sorted { $0.session < $1.session },
            byTree: byTree,
            named: named,
            missing: question.trees.filter { missing.contains($0) },
            nodes: nodes,
            unreadable: unreadableCount,
            unreadablePaths: unreadable,
            isWhole: isWhole
        )
    }

    /// The nodes below one; none when it is gone.
    private mutating func below(
        _ path: String,
        _ result: ZooKeeperSession.BulkResult<NodeChildren>,
        _ session: ZooKeeperSession
    ) async throws(ZooKeeperError) -> [String] {
        do throws(ZooKeeperError) {
            let children = try result.get()
            note(path, children.stat)
            return children.names.map { "\(path)/\($0)" }.filter { !trees.contains($0) }
        } catch .noNode {
            if trees.contains(path) { missing.insert(path) }
            return []
        } catch .noAuth {
            // That it exists, and whose it is, is told to everybody.
            guard let stat = try await session.exists(path) else { return [] }
            note(path, stat)
            guard stat.childCount > 0 else { return [] }
            unreadableCount += 1
            if unreadable.count < Self.mostUnreadable { unreadable.append(path) }
            return []
        } catch {
            throw error
        }
    }

    private mutating func note(_ path: String, _ stat: NodeStat) {
        guard let owner = stat.ephemeralOwner.map({ SessionNumber($0.value) }) else { return }
        owners[owner, default: TreeEphemerals.Owner(owner)].add(path)
        for tree in trees where path == tree || path.hasPrefix(tree + "/") {
            byTree[tree, default: []].insert(owner)
        }
        if wanted.contains(path) { named[path] = owner }
    }
}
