import Fleet
import Logging
import SystemCalls
import Topology
import ZooKeeperClient

/// One comparison under way: the deepest paths first, so that few have to be held.
struct ComparisonWalk {
    /// A node to be read.
    private struct Pending {
        let path: String
        /// The latest change of its parent's children on the destination.
        let parent: Zxid?

        func child(_ name: String) -> String { path == "/" ? "/" + name : path + "/" + name }
    }

    /// A node that differed, as it was last seen.
    private struct Doubtful {
        let number: Int
        let node: Pending
        let seen: [WholeNode?]
    }

    /// Pipelined at once to each server, at most; other clients' requests wait behind them.
    private static let batch = 64
    /// How often a second nodes are asked for.
    private static let batches = 128
    private static let batchBytes = 32_000_000
    private static let repetitions = 8
    /// Every server makes it by itself, out of its own file.
    private static let ownConfiguration = "/zookeeper/config"
    private static let system = "/zookeeper"

    private let sides: ComparedSides
    private let options: TreeComparison.Options
    private let timing: Timing
    /// By place; nil once it is lost.
    private var replicas: [Replica?]
    private var pending: [Pending]
    private var report: ComparisonReport
    /// When the next nodes may be read.
    private var due = Duration.zero
    private var averageBytes = 0

    init(
        _ sides: ComparedSides,
        path: String,
        options: TreeComparison.Options,
        timing: Timing,
        log: Logger
    ) {
        self.sides = sides
        self.options = options
        self.timing = timing
        var session = SessionOptions()
        session.credentials = options.credentials
        session.requestsInFlight = 2 * Self.batch
        report = ComparisonReport(
            servers: sides.sides.map { side in side.map { sides.servers[$0].name } },
            path: path,
            limit: options.limit
        )
        pending = [Pending(path: path, parent: nil)]
        replicas = []
        for server in sides.servers {
            let replica = Replica(
                server,
                options: session,
                patience: options.patience,
                timing: timing,
                log: log
            )
            replicas.append(replica)
            if replica == nil {
                report.lost.append(.init(server: server.name, reason: "no client can be given this address"))
            }
        }
    }

    func close() async { _ = await mapHosts(replicas.compactMap(\.self)) { await $0.close() } }

    mutating func report(progress: (Int) -> Void) async -> ComparisonReport {
        let began = timing.monotonic()
        var told = began
        due = began
        await sync()
        while !pending.isEmpty, live.count > 1, !Task.isCancelled {
            let batch = Array(pending.suffix(size))
            pending.removeLast(batch.count)
            await pace(batch.count)
            await compare(batch)
            report.nodes += batch.count
            if timing.monotonic() - told >= .seconds(1) {
                told = timing.monotonic()
                progress(report.nodes)
            }
        }
        report.unread = pending.count
        report.settle()
        report.seconds = (timing.monotonic() - began).seconds
        return report
    }

    private var live: [Int] { replicas.indices.filter { replicas[$0] != nil } }

    private var size: Int {
        let bytes = max(1, averageBytes * live.count)
        return max(1, min(Self.batch, options.rate / Self.batches, Self.batchBytes / bytes))
    }

    /// What was not read in time is not caught up with at once.
    private mutating func pace(_ count: Int) async {
        let now = timing.monotonic()
        if due > now { await timing.sleep(due - now) }
        due = max(due, now - .milliseconds(250)) + share(count)
    }

    /// The time that so many nodes may take.
    private func share(_ count: Int) -> Duration { .seconds(Double(count) / Double(max(1, options.rate))) }

    private mutating func compare(_ batch: [Pending]) async {
        let seen = await read(batch.map(\.path))
        if report.nodes == 0, !live.isEmpty {
            report.isAbsent = seen.allSatisfy { $0.allSatisfy { $0 == nil } }
        }
        var judged: [NodeJudgement] = []
        var doubtful: [Doubtful] = []
        for (number, node) in batch.enumerated() {
            judged.append(judge(node, seen[number]))
            if !judged[number].isEqual {
                doubtful.append(Doubtful(number: number, node: node, seen: seen[number]))
            }
        }
        await settle(doubtful, in: &judged)
        for (node, judgement) in zip(batch, judged) { note(node, judgement) }
        for (node, nodes) in zip(batch, seen) { noteUnreadable(node, nodes) }
        await descend(batch, seen, judged)
    }

    private func judge(_ node: Pending, _ seen: [WholeNode?]) -> NodeJudgement {
        let judgement = NodeJudgement(
            seen,
            sides: sides.sides.map { $0.filter { replicas[$0] != nil } },
            parent: node.parent,
            ignoring: options.ignored
        )
        return node.path == Self.system ? judgement.withoutVerdict : judgement
    }
}

extension ComparisonWalk {
    /// Reads again, after a sync of every server, what differs: until it is alike, or every replica shows it as before.
    private mutating func settle(_ doubtful: [Doubtful], in judged: inout [NodeJudgement]) async {
        var open = doubtful
        var repetition = 0
        while !open.isEmpty, live.count > 1 {
            await timing.sleep(min(.milliseconds(500), .milliseconds(10) * (1 << repetition)))
            repetition += 1
            await sync()
            due += share(open.count)
            let again = await read(open.map(\.node.path))
            var left: [Doubtful] = []
            for (item, seen) in zip(open, again) {
                let judgement = judge(item.node, seen)
                judged[item.number] = judgement
                guard !judgement.isEqual, seen != item.seen else { continue }
                if repetition < Self.repetitions {
                    left.append(Doubtful(number: item.number, node: item.node, seen: seen))
                } else {
                    judged[item.number] = judgement.withoutVerdict
                    report.add(.init(path: item.node.path, reason: .changing, servers: names(live)))
                }
            }
            open = left
        }
    }

    private mutating func note(_ node: Pending, _ judgement: NodeJudgement) {
        for difference in judgement.withinSides { report.add(finding(node, difference, within: true)) }
        switch judgement.betweenSides {
        case nil: break
        case .alike(let zxid): report.common(zxid)
        case .differ(let difference): report.add(finding(node, difference, within: false))
        case .ended(let difference):
            switch options.newer {
            case .nothing: report.add(finding(node, difference, within: false))
            case .above, .laterEpochs: report.ended += 1
            }
        case .newer(let difference, let since):
            let finding = finding(node, difference, within: false)
            switch options.newer {
            case .nothing: report.add(finding)
            case .above(let division):
                // Whatever the destination did since: what the source wrote after the division is there alone.
                let isWritten = judgement.writtenOnSource.map { $0 > division } ?? false
                if since > division, !isWritten { report.newer += 1 } else { report.add(finding) }
            case .laterEpochs: report.add(finding, epoch: since.epoch)
            }
        }
    }

    private func finding(
        _ node: Pending,
        _ difference: NodeJudgement.Difference,
        within: Bool
    ) -> ComparisonReport.Finding {
        .init(
            path: node.path,
            kind: difference.kind,
            servers: names(difference.replicas),
            against: sides.servers[difference.against].name,
            isWithinSide: within,
            fields: difference.fields
        )
    }

    private mutating func noteUnreadable(_ node: Pending, _ nodes: [WholeNode?]) {
        let data = nodes.indices.filter { nodes[$0].map { $0.data == nil } ?? false }
        let lists = nodes.indices.filter { nodes[$0].map { $0.access == nil } ?? false }
        if !data.isEmpty {
            report.add(.init(path: node.path, reason: .dataNotAllowed, servers: names(data)))
        }
        if !lists.isEmpty {
            report.add(.init(path: node.path, reason: .accessListNotAllowed, servers: names(lists)))
        }
    }

    private func names(_ places: [Int]) -> [String] { places.map { sides.servers[$0].name } }

    /// What any of the replicas has below these nodes is to be read next.
    private mutating func descend(
        _ batch: [Pending],
        _ seen: [[WholeNode?]],
        _ judged: [NodeJudgement]
    ) async {
        let parents = batch.indices.filter { number in
            seen[number].contains { ($0?.stat.childCount ?? 0) > 0 }
        }
        guard !parents.isEmpty else { return }
        let paths = parents.map { batch[$0].path }
        let listed = await ask { replica throws(ZooKeeperError) in try await replica.children(paths) }
        for (place, number) in parents.enumerated() {
            let node = batch[number]
            let lists = listed.map { $0?[place] }
            let denied = lists.indices.filter { lists[$0]?.isDenied ?? false }
            if !denied.isEmpty {
                report.add(.init(path: node.path, reason: .childrenNotAllowed, servers: names(denied)))
            }
            let children = lists.map { $0?.children }
            noteLost(node, children)
            let parent = judged[number].reference?.stat.pzxid ?? node.parent
            for name in Self.union(children.compactMap { $0?.names }) where isRead(name, below: node) {
                pending.append(Pending(path: node.child(name), parent: parent))
            }
        }
    }

    private func isRead(_ name: String, below node: Pending) -> Bool {
        let path = node.child(name)
        return path != Self.ownConfiguration && !options.except.contains(path)
    }

    /// What deletions on the destination would excuse one by one, and cannot excuse altogether.
    private mutating func noteLost(_ node: Pending, _ children: [NodeChildren?]) {
        guard sides.sides.count == 2, node.path != Self.system else { return }
        let living = sides.sides.map { $0.filter { replicas[$0] != nil } }
        let lost = LostChildren(children, sides: living) { isRead($0, below: node) }
        guard let lost else { return }
        let finding = ComparisonReport.Finding(
            path: node.path,
            kind: .changed,
            servers: names(lost.replicas),
            against: sides.servers[lost.against].name,
            isWithinSide: false,
            fields: [lost.field]
        )
        switch options.newer {
        // Each that is missing was told.
        case .nothing: break
        case .above(let division): if lost.since <= division { report.add(finding) }
        case .laterEpochs: report.add(finding, ifCommon: lost.since)
        }
    }

    /// Each name once; mostly all lists are the same.
    private static func union(_ lists: [[String]]) -> [String] {
        guard let first = lists.first else { return [] }
        if lists.allSatisfy({ $0 == first }) { return first }
        return Set(lists.joined()).sorted()
    }

    /// By node and then by place.
    private mutating func read(_ paths: [String]) async -> [[WholeNode?]] {
        let read = await ask { replica throws(ZooKeeperError) in try await replica.whole(paths) }
        let bytes = read.compactMap(\.self).joined().reduce(0) { $0 + ($1?.stat.dataLength ?? 0) }
        averageBytes = bytes / max(1, paths.count * live.count)
        return paths.indices.map { number in read.map { $0?[number] ?? nil } }
    }

    private mutating func sync() async {
        _ = await ask { replica throws(ZooKeeperError) in
            try await replica.sync()
            return true
        }
    }

    /// Asks every replica that is left at once, by place; one that gives no answer is lost.
    private mutating func ask<Value: Sendable>(
        _ question: @escaping @Sendable (Replica) async throws(ZooKeeperError) -> Value
    ) async -> [Value?] {
        let answers = await mapHosts(replicas) { replica -> Result<Value, ZooKeeperError>? in
            guard let replica else { return nil }
            do throws(ZooKeeperError) { return .success(try await question(replica)) } catch {
                return .failure(error)
            }
        }
        var values: [Value?] = []
        for (place, answer) in answers.enumerated() {
            switch answer {
            case nil: values.append(nil)
            case .success(let value): values.append(value)
            case .failure(let error):
                values.append(nil)
                await replicas[place]?.close()
                replicas[place] = nil
                report.lost.append(.init(server: sides.servers[place].name, reason: "\(error)"))
            }
        }
        return values
    }
}
