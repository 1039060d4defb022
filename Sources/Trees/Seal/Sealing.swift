package import SystemCalls
import ZooKeeperClient

/// Puts a seal on trees, node by node: an ACL is in the file before it is changed, and changed only if nobody else did since.
///
/// Killed anywhere, the same is done again and goes on.
package struct Sealing: Sendable {
    private static let rounds = 5
    /// Nodes that are written to the file together when they are found.
    private static let share = 1000

    private let file: SealFile
    private let session: TreeSession
    private let seal: SealedAccess
    private let order: SealOrder
    private let note: MovedNote
    private let except: Set<String>
    private let readRate: Int
    private let rate: Int
    private let timing: Timing

    /// - Parameters:
    ///   - identity: as servers show it.
    ///   - except: left out, with all below: what others go on using.
    ///   - readRate: nodes that are read in a second, at most.
    ///   - rate: nodes that are changed in a second, at most.
    package init(
        _ file: SealFile,
        over session: TreeSession,
        identity: String,
        order: SealOrder,
        note: MovedNote,
        except: [String],
        readRate: Int,
        rate: Int,
        timing: Timing
    ) {
        self.file = file
        self.session = session
        seal = SealedAccess(identity: identity)
        self.order = order
        self.note = note
        self.except = Set(except + file.trees.map(MovedNote.path))
        self.readRate = readRate
        self.rate = rate
        self.timing = timing
    }

    /// How many nodes there are; the file knows all of them then, and nothing is changed on the ensemble.
    package func survey(progress: (Int) -> Void) async throws(TreesError) -> Int {
        var walk = TreeWalk(session, from: file.trees, except: except, rate: readRate, timing: timing)
        var (inhabitants, count) = (Inhabitants(), 0)
        var unreadable: [String] = []
        var found: [(path: String, rank: Int)] = []
        while true {
            let seen = try await walk.next()
            if seen.isEmpty || found.count >= Self.share {
                try file.find(found)
                found = []
            }
            guard !seen.isEmpty else { break }
            for node in seen {
                inhabitants.note(node.path, node.stat)
                if !node.isWhole { unreadable.append(node.path) }
            }
            // An ephemeral node is a refusal, or has gone by the next look.
            let lasting = seen.filter { $0.stat.ephemeralOwner == nil }
            found += lasting.map { ($0.path, order.rank($0.path)) }
            count += seen.count
            progress(count)
        }
        try inhabitants.check()
        guard unreadable.isEmpty else {
            throw .unreadable(paths: Array(unreadable.prefix(5)), count: unreadable.count)
        }
        return count
    }

    /// Seals everything that the file knows, then whatever else is there, until nothing is left without the seal.
    ///
    /// - Returns: nodes that bear the seal, as read back.
    package func perform(progress: (Int) -> Void) async throws(TreesError) -> Int {
        try await session.perform { session throws(TreesError) in try await settle(session) }
        try file.retryRefused()
        try file.noteActing()
        try await writeNotes()
        var (pace, done) = (Pace(rate: rate, timing: timing), 0)
        var reading = Pace(rate: readRate, timing: timing)
        for _ in 0..<Self.rounds {
            while try !file.next(1).isEmpty {
                guard !Task.isCancelled else { throw .zooKeeper(.cancelled) }
                done += try await session.perform { session throws(TreesError) in
                    try await settle(session)
                    return try await sealNext(session, &reading, &pace)
                }
                progress(done)
            }
            let (sealed, added) = try await readBack()
            guard added > 0 else {
                try file.enter(.sealed)
                return sealed
            }
        }
        throw .changed(
            path: file.trees.joined(separator: ", "),
            what: "nodes without the seal appear again and again"
        )
    }

    /// Decides nodes whose ACL is in the file and of which nobody knows whether the seal is on them.
    private func settle(_ session: ZooKeeperSession) async throws(TreesError) {
        var reading = Pace(rate: readRate, timing: timing)
        while true {
            let open = try file.saved([.saved], limit: 250)
            guard !open.isEmpty else { return }
            // The session may have gone on at a server that has not seen yet what was written.
            try await orTrees { () throws(ZooKeeperError) in try await session.sync("/") }
            var marks: [(path: String, state: SealFile.State, note: String?)] = []
            let lists = await reading.through(open) { await session.access(all: $0.map(\.path)) }
            for (node, result) in zip(open, lists) {
                switch try result.orTrees() {
                case nil: marks.append((node.path, .gone, nil))
                case let access?:
                    marks.append((node.path, seal.isOn(access.list) ? .sealed : .found, nil))
                }
            }
            try file.mark(marks)
        }
    }

    /// - Returns: how many nodes were dealt with.
    private func sealNext(
        _ session: ZooKeeperSession,
        _ reading: inout Pace,
        _ pace: inout Pace
    ) async throws(TreesError) -> Int {
        let paths = try file.next(pace.share)
        var saved: [(path: String, acl: String, version: Int32)] = []
        var writes: [NodeWrite] = []
        var marks: [(path: String, state: SealFile.State, note: String?)] = []
        let lists = await reading.through(paths) { await session.access(all: $0) }
        for (path, result) in zip(paths, lists) {
            switch result {
            case .success(nil): marks.append((path, .gone, nil))
            case .success(let access?):
                guard !seal.isOn(access.list) else {
                    guard try file.knows(path) else { throw .unknownSeal(path: path, file: file.path) }
                    // Ours, which a server that lagged behind did not show when it was looked for.
                    marks.append((path, .sealed, nil))
                    continue
                }
                var inhabitants = Inhabitants()
                inhabitants.note(path, access.stat)
                try inhabitants.check()
                guard let acl = AccessText.text(access.list) else {
                    marks.append((path, .refused, "its ACL is not valid UTF-8"))
                    continue
                }
                saved.append((path, acl, access.stat.aclVersion))
                writes.append(
                    .setAccess(path, seal.sealing(access.list), version: access.stat.aclVersion)
                )
            case .failure(.noAuth): marks.append((path, .refused, "its ACL may not be read"))
            case .failure(let error): throw .zooKeeper(error)
            }
        }
        try file.save(saved)
        let written = await pace.through(writes) { await session.perform(all: $0) }
        for (node, result) in zip(saved, written) {
            switch result {
            case .success: marks.append((node.path, .sealed, nil))
            // Changed in between: read again.
            case .failure(.badVersion): marks.append((node.path, .found, nil))
            case .failure(.noNode): marks.append((node.path, .gone, nil))
            case .failure(.noAuth): marks.append((node.path, .refused, "no right to change its ACL"))
            case .failure(.invalidACL):
                marks.append((node.path, .refused, "the server does not take its ACL any more"))
            case .failure(let error): throw .zooKeeper(error)
            }
        }
        try file.mark(marks)
        return paths.count
    }

    private func writeNotes() async throws(TreesError) {
        for tree in file.trees {
            let path = MovedNote.path(in: tree)
            try await session.perform { session throws(TreesError) in
                do throws(ZooKeeperError) {
                    guard try await session.exists(tree) != nil else { return }
                    let closed = seal.sealing(.readable)
                    _ = try await session.create(path, data: note.data, access: closed)
                } catch .nodeExists {
                    let found = try await orTrees { () throws(ZooKeeperError) in try await session.get(path) }
                    guard note.isIn(found.data) else { throw .noteTaken(path: path) }
                } catch .noAuth {
                    // Told with the tree's root, which cannot be sealed either.
                    return
                } catch {
                    throw .zooKeeper(error)
                }
            }
        }
    }

    /// Reads every node's ACL; one without the seal is to be sealed.
    private func readBack() async throws(TreesError) -> (sealed: Int, added: Int) {
        var walk = TreeWalk(session, from: file.trees, except: except, rate: readRate, timing: timing)
        var (sealed, added) = (0, 0)
        while true {
            let seen = try await walk.next()
            guard !seen.isEmpty else { return (sealed, added) }
            let lists = try await session.performAll { await $0.access(all: seen.map(\.path)) }
            for (node, result) in zip(seen, lists) {
                switch result {
                case .success(nil): continue
                case .success(let access?) where seal.isOn(access.list): sealed += 1
                case .success, .failure(.noAuth):
                    if try file.state(of: node.path) == .refused { continue }
                    added += 1
                    try file.find([(node.path, order.rank(node.path))])
                    try file.mark([(node.path, .found, nil)])
                case .failure(let error): throw .zooKeeper(error)
                }
            }
        }
    }
}
