/// In which order the servers of a stopped ensemble may be started, so that no leader lacks the freshest history (I2).
///
/// Every majority must hold a freshest server: then the leader, which needs the vote of that one, is as fresh. So
/// fewer servers than a majority may run that are not freshest until there is a leader.
package struct StartOrder: Hashable, Sendable {
    /// To be started together: all freshest servers, and as many of the next as complete a majority.
    package let first: [ServerID]
    /// To be started when a leader serves.
    package let rest: [ServerID]
    /// Those whose history is at the maximum.
    package let freshest: [ServerID]
    private let majority: Int

    /// - Parameter ends: every voter with its history's end, nil for one without a history, in the order in which
    ///   equals are preferred. Nil when no server has a history.
    package init?(_ ends: [(id: ServerID, end: HistoryEnd?)]) {
        guard let maximum = ends.compactMap(\.end).max() else { return nil }
        majority = Ensemble.majority(of: ends.count)
        freshest = ends.filter { $0.end == maximum }.map(\.id)
        let others = ends.enumerated().filter { $0.element.end != maximum }
            .sorted { left, right in
                switch (left.element.end, right.element.end) {
                case (let one?, let other?) where one != other: one > other
                case (.some, nil): true
                case (nil, .some): false
                case (.some, .some), (nil, nil): left.offset < right.offset
                }
            }
            .map(\.element.id)
        let missing = max(0, majority - freshest.count)
        first = freshest + others.prefix(missing)
        rest = Array(others.dropFirst(missing))
    }

    /// Whether these may run at the same time without a leader, whatever becomes of each of them.
    package func isSafe(_ running: Set<ServerID>) -> Bool {
        running.subtracting(freshest).count < majority
    }
}
