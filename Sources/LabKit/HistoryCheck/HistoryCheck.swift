/// Compares what a writing client was told with what every server holds at the end.
package struct HistoryCheck: Sendable {
    package let history: History
    /// The servers of the writer's own side.
    package let own: [FinalTree]
    /// The servers of the other side.
    package let other: [FinalTree]
    /// Unix seconds at which the sides were apart; nil when they never were.
    package let dividedAt: Double?
    /// Unix seconds; the gaps that touch it are measured apart.
    package let window: ClosedRange<Double>?

    package init(
        history: History,
        own: [FinalTree],
        other: [FinalTree],
        dividedAt: Double? = nil,
        window: ClosedRange<Double>? = nil
    ) {
        self.history = history
        self.own = own
        self.other = other
        self.dividedAt = dividedAt
        self.window = window
    }

    package func report() -> HistoryReport {
        var report = HistoryReport(side: history.side)
        count(into: &report)
        compare(into: &report)
        checkRegister(into: &report)
        checkSession(into: &report)
        checkMixing(into: &report)
        let gaps = gaps()
        report.longestGap = gaps.map(\.seconds).max()
        if let window {
            report.gapInWindow = gaps.filter { $0.begin <= window.upperBound && window.lowerBound <= $0.end }
                .map(\.seconds).max()
        }
        return report
    }

    private func tree(_ server: FinalTree) -> FinalTree.Tree? { server.trees?[history.side.rawValue] }

    private func count(into report: inout HistoryReport) {
        for operation in history.operations {
            switch operation.outcome {
            case .ok: report.acknowledged += 1
            case .fail: report.failed += 1
            case .unknown: report.unknown += 1
            }
        }
        // A check over nothing would pass: say so instead.
        if report.acknowledged == 0 { report.problems.append("the client got no write acknowledged") }
        if own.isEmpty { report.problems.append("no server of the \(history.side.rawValue) side was read") }
    }

    private func compare(into report: inout HistoryReport) {
        var holdings: [(server: String, names: Set<String>)] = []
        for server in own {
            guard let tree = tree(server) else {
                report.problems.append("\(server.server) could not be read: \(server.error ?? "no answer")")
                continue
            }
            holdings.append((server.server, Set(tree.names)))
        }
        for operation in history.operations where operation.kind == .create {
            let missing = holdings.filter { !$0.names.contains(operation.path) }.map(\.server)
            let present = holdings.count - missing.count
            switch operation.outcome {
            case .ok:
                if !missing.isEmpty { report.lost.append(.init(path: operation.path, missingOn: missing)) }
            case .fail:
                if present > 0 { report.problems.append("\(operation.path) was refused and is there") }
            case .unknown:
                if present > 0 { report.unknownThatHappened += 1 }
                if present > 0 && !missing.isEmpty {
                    report.problems.append("\(operation.path) is on some servers only, not on \(missing)")
                }
            }
        }
        let written = Set(history.operations.map(\.path))
        for strange in Set(holdings.flatMap(\.names)).subtracting(written).sorted() {
            report.problems.append("\(strange) is there and nobody wrote it")
        }
    }

    /// The register only grows: versions of acknowledged sets rise, and every server ends at the last
    /// acknowledged value or at a later one whose outcome is open.
    private func checkRegister(into report: inout HistoryReport) {
        let sets = history.operations.filter { $0.kind == .set }
        let acknowledged = sets.filter { $0.outcome == .ok }
        for (earlier, later) in zip(acknowledged, acknowledged.dropFirst()) {
            guard let before = earlier.version, let after = later.version, before < after else {
                report.problems.append(
                    "the register went back between writes \(earlier.number) and \(later.number)"
                )
                continue
            }
        }
        guard let last = acknowledged.last else { return }
        let possible = Set(sets.filter { $0.number > last.number && $0.outcome == .unknown }.map(\.number))
            .union([last.number])
        for server in own {
            guard let tree = tree(server) else { continue }
            let value = tree.register.flatMap { Int($0.value) }
            if value.map({ !possible.contains($0) }) ?? true {
                let found = value.map(String.init) ?? "nothing"
                report.lost.append(
                    .init(path: "register=\(last.number) (it holds \(found))", missingOn: [server.server])
                )
            }
        }
    }

    private func checkSession(into report: inout HistoryReport) {
        guard let final = history.final else {
            report.problems.append("the client's history has no end: it was cut off")
            return
        }
        report.sessionKept = history.session != nil && final.session == history.session
        report.ephemeralKept =
            history.session != nil && final.owner == history.session
            && own.allSatisfy { tree($0)?.ephemeral?.owner == history.session }
    }

    private func checkMixing(into report: inout HistoryReport) {
        guard let dividedAt else { return }
        report.mixingChecked = true
        let later = history.operations.filter { $0.kind == .create && $0.invoked.wall > dividedAt }.map(
            \.path
        )
        for server in other {
            guard let trees = server.trees else {
                report.problems.append("\(server.server) could not be read: \(server.error ?? "no answer")")
                continue
            }
            let names = Set(trees[history.side.rawValue]?.names ?? [])
            report.mixed += later.filter(names.contains).map { "\($0) on \(server.server)" }
        }
    }

    /// The times between acknowledgements, and from the last one to the client's end.
    private func gaps() -> [(begin: Double, end: Double, seconds: Double)] {
        var moments = history.operations.filter { $0.outcome == .ok }.map(\.completed)
        if let final = history.final, !moments.isEmpty { moments.append(final.at) }
        return zip(moments, moments.dropFirst()).map { ($0.wall, $1.wall, $1.monotonic - $0.monotonic) }
    }
}
