import FoundationEssentials
package import SystemCalls
import ZooKeeperClient

/// Puts a backup's nodes where nothing is, as far as ZooKeeper lets anybody: data, ACLs, versions, and what numbers sequential nodes.
///
/// Killed anywhere, the same is done again and goes on.
package struct Restoration: Sendable {
    /// How often a node is set, or its ACL, for its version's sake.
    package static let mostVersions = 100
    /// How many nodes are made and deleted below one for its counter's sake.
    package static let mostCounted = 1000
    private static let counter = "mitosis-counter"

    /// What came of it.
    package struct Report: Sendable {
        package var nodes = 0
        /// Nodes of which a version or a counter is lower than it was.
        package var short: [String] = []
        package var shortCount = 0
        /// Nodes with a time to live: they are permanent now.
        package var permanent = 0

        mutating func noteShort(_ path: String) {
            shortCount += 1
            if short.count < 20 { short.append(path) }
        }
    }

    private let file: BackupFile
    private let session: TreeSession
    /// Before every path; empty for the old places.
    private let prefix: String
    /// Which place it is, in the file.
    private let place: String
    private let rate: Int
    private let timing: Timing

    /// - Parameters:
    ///   - session: of an identity that may be left on nodes while they are made.
    ///   - place: a name for the ensemble.
    package init(
        _ file: BackupFile,
        over session: TreeSession,
        at prefix: String,
        place: String,
        rate: Int,
        timing: Timing
    ) {
        self.file = file
        self.session = session
        self.prefix = prefix
        self.place = place + " " + prefix
        self.rate = rate
        self.timing = timing
    }

    /// Whether it was begun already.
    package var isBegun: Bool {
        get throws(TreesError) { try file.note(place) == "begun" }
    }

    /// Refuses a place where something is, unless it is this restoration's own.
    package func check() async throws(TreesError) {
        guard try !isBegun else { return }
        for root in try file.roots() {
            let path = prefix + root
            let found = try await session.perform { session throws(TreesError) in
                try await orTrees { () throws(ZooKeeperError) in try await session.exists(path) }
            }
            guard found == nil else { throw .occupied(path: path) }
        }
    }

    package func perform(progress: (Int) -> Void) async throws(TreesError) -> Report {
        try file.setNote(place, "begun")
        try await makeAncestors()
        var report = Report()
        let depths = try file.depths()
        for depth in depths {
            try await each(depth) { nodes throws(TreesError) in
                try await make(nodes)
                report.nodes += nodes.count
                progress(report.nodes)
            }
        }
        // From the bottom: what stands above may forbid what is still to be done.
        for depth in depths.reversed() {
            try await each(depth) { nodes throws(TreesError) in
                for node in nodes { try await finish(node, &report) }
            }
        }
        try file.setNote(place, "done")
        return report
    }

    private func each(
        _ depth: Int,
        _ body: ([BackupNode]) async throws(TreesError) -> Void
    ) async throws(TreesError) {
        var (pace, last) = (Pace(rate: rate, timing: timing), "")
        while true {
            let nodes = try file.nodes(depth: depth, after: last, limit: pace.share)
            guard let end = nodes.last else { return }
            for part in nodes.chunks(of: pace.batch) {
                guard !Task.isCancelled else { throw .zooKeeper(.cancelled) }
                await pace.wait(for: part.count)
                try await body(part)
            }
            last = end.path
        }
    }

    /// Nodes on the way are everybody's.
    private func makeAncestors() async throws(TreesError) {
        for root in try file.roots() {
            let names = (prefix + root).split(separator: "/").dropLast()
            var path = ""
            for name in names {
                path += "/" + name
                let made = path
                try await session.perform { session throws(TreesError) in
                    do throws(ZooKeeperError) { _ = try await session.create(made) } catch .nodeExists {
                        return
                    } catch .noAuth {
                        // Right is asked for before it is looked whether it is there.
                        let found = try await orTrees { () throws(ZooKeeperError) in
                            try await session.exists(made)
                        }
                        guard found != nil else { throw .zooKeeper(.noAuth(made)) }
                    } catch {
                        throw .zooKeeper(error)
                    }
                }
            }
        }
    }

    /// An open list, or that of a leaf which nothing more is to be done with, is given at once: its version stays 0.
    private func isGivenAtOnce(_ node: BackupNode, _ list: AccessList) -> Bool {
        list == .open
            || (node.children == 0 && node.created == 0 && node.version == 0 && node.accessVersion == 0)
    }

    private func list(_ node: BackupNode) throws(TreesError) -> AccessList {
        guard let list = AccessText.list(node.access) else {
            throw .damaged(path: file.path, reason: "the ACL of \(node.path)")
        }
        return list
    }

    private func make(_ nodes: [BackupNode]) async throws(TreesError) {
        var writes: [NodeWrite] = []
        for node in nodes {
            let list = try list(node)
            writes.append(
                .create(
                    prefix + node.path,
                    data: node.data,
                    mode: node.isContainer ? .container : .persistent,
                    access: isGivenAtOnce(node, list) ? list : .creatorAll
                )
            )
        }
        try await session.perform { session throws(TreesError) in
            var there: [(node: BackupNode, denial: ZooKeeperError?)] = []
            for (node, result) in zip(nodes, await session.perform(all: writes)) {
                switch result {
                case .success: continue
                case .failure(.nodeExists): there.append((node, nil))
                // What stands above has its own ACL by now: that is asked before whether the node is there.
                case .failure(.noAuth(let path)): there.append((node, .noAuth(path)))
                case .failure(let error): throw .zooKeeper(error)
                }
            }
            // Made by an earlier attempt, or by somebody who has come in between.
            let paths = there.map { prefix + $0.node.path }
            for ((node, denial), result) in zip(there, await session.exists(all: paths)) {
                let stat = try result.orTrees()
                if stat == nil, let denial { throw .zooKeeper(denial) }
                guard let stat, stat.dataLength == node.data.count, stat.version <= node.version else {
                    throw .changed(path: prefix + node.path, what: "it is not as this restoration makes it")
                }
            }
        }
    }

    /// Version, counter and ACL, from what the node has by now.
    private func finish(_ node: BackupNode, _ report: inout Report) async throws(TreesError) {
        let path = prefix + node.path
        let final = try list(node)
        let isShort = try await session.perform { session throws(TreesError) in
            try await finish(node, path, final, session)
        }
        if node.livesForATime { report.permanent += 1 }
        if isShort { report.noteShort(path) }
    }

    /// - Returns: whether something is lower than it was.
    private func finish(
        _ node: BackupNode,
        _ path: String,
        _ final: AccessList,
        _ session: ZooKeeperSession
    ) async throws(TreesError) -> Bool {
        let isPlain =
            node.version == 0 && node.created == Int64(node.children) && node.accessVersion == 0
            && isGivenAtOnce(node, final)
        guard !isPlain else { return false }
        let seen: NodeStat
        do throws(ZooKeeperError) {
            guard let stat = try await session.exists(path) else {
                throw ZooKeeperError.noNode(path)
            }
            seen = stat
        } catch {
            if case .noNode = error { throw .changed(path: path, what: "it is gone") }
            throw .zooKeeper(error)
        }
        let wanted = isGivenAtOnce(node, final) ? Int(node.accessVersion) : max(1, Int(node.accessVersion))
        if !isGivenAtOnce(node, final), try await isFinished(path, final, session) {
            return seen.version < node.version || seen.created < node.created || seen.aclVersion < wanted
        }
        var writes: [NodeWrite] = []
        let sets = Int(node.version) - Int(seen.version)
        for _ in 0..<max(0, min(sets, Self.mostVersions)) {
            writes.append(.set(path, data: node.data, version: nil))
        }
        let missing = Int(clamping: node.created - seen.created)
        for _ in 0..<max(0, min(missing, Self.mostCounted)) {
            writes.append(
                .create(path + "/" + Self.counter, data: Data(), mode: .persistent, access: .open)
            )
            writes.append(.delete(path + "/" + Self.counter, version: nil))
        }
        let lists = wanted - Int(seen.aclVersion)
        let most = max(0, min(lists, Self.mostVersions))
        // As long as it goes on, it stays ours.
        for number in 0..<most {
            let isLast = number == most - 1
            let list: AccessList = isLast || final == .open ? final : .creatorAll
            writes.append(.setAccess(path, list, version: nil))
        }
        for chunk in writes.chunks(of: 64) {
            for result in await session.perform(all: chunk) {
                switch result {
                // What an earlier attempt has left of the counter.
                case .success, .failure(.nodeExists), .failure(.noNode): continue
                case .failure(let error): throw .zooKeeper(error)
                }
            }
        }
        return sets > Self.mostVersions || missing > Self.mostCounted || lists > Self.mostVersions
    }

    /// Whether an earlier attempt has given it its own ACL, which comes last: we may do nothing with it any more then.
    private func isFinished(
        _ path: String,
        _ final: AccessList,
        _ session: ZooKeeperSession
    ) async throws(TreesError) -> Bool {
        do throws(ZooKeeperError) {
            return final.isShown(as: try await session.access(path))
        } catch {
            // As long as it is ours, we may read it.
            if case .noAuth = error { return true }
            throw .zooKeeper(error)
        }
    }
}

extension NodeStat {
    /// How many children were ever created.
    fileprivate var created: Int64 { (Int64(childrenVersion) + Int64(childCount)) / 2 }
}
