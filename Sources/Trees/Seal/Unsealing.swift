package import SystemCalls
import ZooKeeperClient

/// Puts back what a seal has changed: each ACL as the file has it, where the seal is still on the node.
///
/// Killed anywhere, the same is done again and goes on.
package struct Unsealing: Sendable {
    private let file: SealFile
    private let session: TreeSession
    private let seal: SealedAccess
    private let note: MovedNote
    private let rate: Int
    private let timing: Timing

    package init(
        _ file: SealFile,
        over session: TreeSession,
        identity: String,
        note: MovedNote,
        rate: Int,
        timing: Timing
    ) {
        self.file = file
        self.session = session
        seal = SealedAccess(identity: identity)
        self.note = note
        self.rate = rate
        self.timing = timing
    }

    /// What is left open is in the file, as `changed` and `gone`.
    package func perform(progress: (Int) -> Void) async throws(TreesError) {
        try file.enter(.unsealing)
        try await adopt()
        var (pace, done) = (Pace(rate: rate, timing: timing), 0)
        // Each is read before and after.
        var reading = Pace(rate: 2 * rate, timing: timing)
        // The roots last, so that the notes stand as long as anything is sealed.
        for isRoots in [false, true] {
            if isRoots { try await removeNotes() }
            while true {
                guard !Task.isCancelled else { throw .zooKeeper(.cancelled) }
                let nodes = try file.saved(
                    [.saved, .sealed],
                    except: file.trees,
                    only: isRoots ? file.trees : nil,
                    limit: pace.share
                )
                guard !nodes.isEmpty else { break }
                try await session.perform { session throws(TreesError) in
                    try await restore(nodes, session, &reading, &pace)
                }
                done += nodes.count
                progress(done)
            }
        }
    }

    /// Nodes that count as not sealed, and bear the seal: they were looked at where it could not be seen yet.
    private func adopt() async throws(TreesError) {
        var (pace, last) = (Pace(rate: rate, timing: timing), "")
        while true {
            let paths = try file.undecided(after: last, limit: pace.share)
            guard let end = paths.last else { return }
            try await session.perform { session throws(TreesError) in
                try await orTrees { () throws(ZooKeeperError) in try await session.sync("/") }
                var marks: [(path: String, state: SealFile.State, note: String?)] = []
                let lists = await pace.through(paths) { await session.access(all: $0) }
                for (path, result) in zip(paths, lists) {
                    switch result {
                    case .success(let access?) where seal.isOn(access.list):
                        marks.append((path, .saved, nil))
                    case .success, .failure(.noAuth): continue
                    case .failure(let error): throw .zooKeeper(error)
                    }
                }
                try file.mark(marks)
            }
            last = end
        }
    }

    private func restore(
        _ nodes: [SealFile.Saved],
        _ session: ZooKeeperSession,
        _ reading: inout Pace,
        _ pace: inout Pace
    ) async throws(TreesError) {
        var marks: [(path: String, state: SealFile.State, note: String?)] = []
        var sealed: [SealFile.Saved] = []
        var writes: [NodeWrite] = []
        let lists = await reading.through(nodes) { await session.access(all: $0.map(\.path)) }
        for (node, result) in zip(nodes, lists) {
            switch result {
            case .success(nil): marks.append((node.path, .gone, nil))
            case .success(let access?) where seal.isOn(access.list):
                sealed.append(node)
                writes.append(.setAccess(node.path, node.access, version: access.stat.aclVersion))
            case .success(let access?): marks.append(unsealed(node, access.list))
            case .failure(.noAuth): marks.append((node.path, .changed, "its ACL may not be read"))
            case .failure(let error): throw .zooKeeper(error)
            }
        }
        let written = await pace.through(writes) { await session.perform(all: $0) }
        for (node, result) in zip(sealed, written) {
            switch result {
            case .success, .failure(.noNode), .failure(.badVersion): continue
            case .failure(.invalidACL):
                marks.append((node.path, .changed, "the server does not take its old ACL any more"))
            case .failure(let error): throw .zooKeeper(error)
            }
        }
        // Read back: what the ensemble shows decides, not that it took the request.
        let decided = Set(marks.map(\.path))
        let after = await reading.through(sealed) { await session.access(all: $0.map(\.path)) }
        for (node, result) in zip(sealed, after) {
            if decided.contains(node.path) { continue }
            switch result {
            case .success(nil): marks.append((node.path, .gone, nil))
            // Once more.
            case .success(let access?) where seal.isOn(access.list): continue
            case .success(let access?): marks.append(unsealed(node, access.list))
            // Given back to others alone, as it was.
            case .failure(.noAuth): marks.append((node.path, .restored, nil))
            case .failure(let error): throw .zooKeeper(error)
            }
        }
        try file.mark(marks)
    }

    private func unsealed(
        _ node: SealFile.Saved,
        _ list: AccessList
    ) -> (path: String, state: SealFile.State, note: String?) {
        node.access.isShown(as: list)
            ? (node.path, .restored, nil) : (node.path, .changed, "somebody has changed its ACL since")
    }

    private func removeNotes() async throws(TreesError) {
        for tree in file.trees {
            let path = MovedNote.path(in: tree)
            try await session.perform { session throws(TreesError) in
                do throws(ZooKeeperError) {
                    guard note.isIn(try await session.get(path).data) else { return }
                    try await session.delete(path)
                } catch .noNode {
                    return
                } catch .noAuth {
                    return
                } catch {
                    throw .zooKeeper(error)
                }
            }
        }
    }
}
