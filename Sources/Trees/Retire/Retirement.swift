package import SystemCalls
import ZooKeeperClient

/// Removes old copies: backed up, read a second time and found equal, then deleted, deepest first, each only as it was.
///
/// Killed anywhere, the same is done again and goes on.
package struct Retirement: Sendable {
    /// What a look at the old copies shows; nothing is changed by it.
    package struct Survey: Sendable {
        package var nodes = 0
        package var bytes = 0
        /// By tree, or by the node at the top.
        package var parts: [String: Int] = [:]
        /// The latest time at which a node was made or set, by the server's clock, and that node.
        package var latest: (at: Int64, path: String)?
        /// Nodes whose children may not be read.
        package var unreadable: [String] = []
        var inhabitants = Inhabitants()

        package var ephemerals: Int { inhabitants.nodes }

        /// Throws when a session owns any of them.
        package func checkInhabitants() throws(TreesError) { try inhabitants.check() }
    }

    /// Nodes that are written to the backup together.
    private static let share = 250

    private let scope: RetireScope
    private let session: TreeSession
    private let seal: SealFile?
    private let readRate: Int
    private let rate: Int
    private let timing: Timing

    /// - Parameters:
    ///   - seal: of the source's copy: what its nodes had before.
    ///   - readRate: nodes that are read in a second, at most.
    ///   - rate: nodes that are removed in a second, at most.
    package init(
        _ scope: RetireScope,
        over session: TreeSession,
        seal: SealFile?,
        readRate: Int,
        rate: Int,
        timing: Timing
    ) {
        self.scope = scope
        self.session = session
        self.seal = seal
        self.readRate = readRate
        self.rate = rate
        self.timing = timing
    }

    package func survey() async throws(TreesError) -> Survey {
        var survey = Survey()
        try await walk { seen throws(TreesError) in
            for node in seen {
                survey.nodes += 1
                survey.bytes += node.stat.dataLength
                survey.parts[scope.heading(node.path), default: 0] += 1
                let at = max(node.stat.ctime, node.stat.mtime)
                if at > survey.latest?.at ?? .min { survey.latest = (at, node.path) }
                if !node.isWhole { survey.unreadable.append(node.path) }
                survey.inhabitants.note(node.path, node.stat)
            }
        }
        return survey
    }

    private func walk(
        _ body: ([TreeWalk.Seen]) async throws(TreesError) -> Void
    ) async throws(TreesError) {
        var walk = TreeWalk(
            session,
            from: scope.roots,
            except: scope.except,
            rate: readRate,
            timing: timing
        )
        while true {
            let seen = try await walk.next()
            guard !seen.isEmpty else { return }
            let held = seen.filter { scope.holds($0.path) }
            if !held.isEmpty { try await body(held) }
        }
    }

    /// Writes all nodes to the file, then reads all of them again and compares: afterwards the file is complete.
    package func backUp(to file: BackupFile, progress: (Int) -> Void) async throws(TreesError) {
        try seal?.checkNoneRefused()
        var (count, read): (Int, [BackupNode]) = (0, [])
        try await walk { seen throws(TreesError) in
            if let node = seen.first(where: { !$0.isWhole }) {
                throw .unreadable(paths: [node.path], count: 1)
            }
            read += try await self.read(seen.map(\.path))
            count += seen.count
            if read.count >= Self.share {
                try file.add(read)
                read = []
            }
            progress(count)
        }
        try file.add(read)
        try file.checkMasks()
        var (pace, last) = (Pace(rate: readRate, timing: timing), "")
        while true {
            let kept = try file.nodes(after: last, limit: pace.batch)
            guard let end = kept.last else { break }
            await pace.wait(for: kept.count)
            for (old, new) in zip(kept, try await self.read(kept.map(\.path))) where old != new {
                throw .changed(path: old.path, what: "while it was backed up")
            }
            last = end.path
        }
        let now = try await survey()
        guard now.nodes == count else {
            throw .changed(
                path: scope.roots.joined(separator: ", "),
                what: "\(count) nodes when it was backed up, \(now.nodes) afterwards"
            )
        }
        try file.enter(.complete)
    }

    private func read(_ paths: [String]) async throws(TreesError) -> [BackupNode] {
        let originals = try seal?.original(paths) ?? [:]
        let noted = Set(scope.notes.map { String($0.dropLast(MovedNote.name.count + 1)) })
        return try await session.perform { session throws(TreesError) in
            let wanted = paths.filter { noted.contains($0) }.map { MovedNote.path(in: $0) }
            var notes: Set<String> = []
            for (path, result) in zip(wanted, await session.exists(all: wanted))
            where try result.orTrees() != nil {
                notes.insert(path)
            }
            var nodes: [BackupNode] = []
            for (path, result) in zip(paths, await session.whole(all: paths)) {
                guard let whole = try result.orTrees() else {
                    throw .changed(path: path, what: "it is gone")
                }
                nodes.append(
                    try BackupNode(
                        path,
                        whole,
                        original: originals[path],
                        isNoted: notes.contains(MovedNote.path(in: path))
                    )
                )
            }
            return nodes
        }
    }

    /// Deletes what the file keeps; nodes that may not be deleted are left, and marked so.
    package func remove(_ file: BackupFile, progress: (Int) -> Void) async throws(TreesError) {
        // Also of what was begun by a version that did not look for these.
        try seal?.checkNoneRefused()
        try file.checkMasks()
        try file.enter(.removing)
        try await removeNotes()
        var (pace, done) = (Pace(rate: rate, timing: timing), 0)
        var reading = Pace(rate: readRate, timing: timing)
        while true {
            guard !Task.isCancelled else { throw .zooKeeper(.cancelled) }
            let nodes = try file.deepest(limit: pace.share)
            guard !nodes.isEmpty else { break }
            try await session.perform { session throws(TreesError) in
                try await remove(nodes, from: file, session, &reading, &pace)
            }
            done += nodes.count
            progress(done)
        }
        let rest = try await survey()
        let left = try file.count(.left)
        guard rest.nodes == left else {
            throw .appeared(path: rest.latest?.path ?? scope.roots.joined(separator: ", "))
        }
        try file.enter(.removed)
    }

    private func remove(
        _ nodes: [BackupNode],
        from file: BackupFile,
        _ session: ZooKeeperSession,
        _ reading: inout Pace,
        _ pace: inout Pace
    ) async throws(TreesError) {
        var marks: [(path: String, state: BackupFile.State)] = []
        var doomed: [BackupNode] = []
        let stats = await reading.through(nodes) { await session.exists(all: $0.map(\.path)) }
        for (node, result) in zip(nodes, stats) {
            guard let stat = try result.orTrees() else {
                marks.append((node.path, .removed))
                continue
            }
            guard node.isStill(stat) else {
                throw .changed(path: node.path, what: "since it was backed up")
            }
            if stat.childCount > 0 {
                guard try file.hasLeft(below: node.path) else {
                    throw .appeared(path: "something below \(node.path)")
                }
                marks.append((node.path, .left))
            } else {
                doomed.append(node)
            }
        }
        let writes = doomed.map { NodeWrite.delete($0.path, version: $0.version) }
        let removed = await pace.through(writes) { await session.perform(all: $0) }
        for (node, result) in zip(doomed, removed) {
            switch result {
            case .success, .failure(.noNode): marks.append((node.path, .removed))
            case .failure(.noAuth): marks.append((node.path, .left))
            case .failure(.badVersion): throw .changed(path: node.path, what: "since it was backed up")
            case .failure(.notEmpty): throw .appeared(path: "something below \(node.path)")
            case .failure(let error): throw .zooKeeper(error)
            }
        }
        try file.mark(marks)
    }

    private func removeNotes() async throws(TreesError) {
        for path in scope.notes {
            try await session.perform { session throws(TreesError) in
                do throws(ZooKeeperError) { try await session.delete(path) } catch .noNode {
                    return
                } catch {
                    throw .zooKeeper(error)
                }
            }
        }
    }
}
