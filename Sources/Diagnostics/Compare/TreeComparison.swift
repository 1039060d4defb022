package import Logging
package import SystemCalls
package import Topology
package import ZooKeeperClient

/// Reads the same tree of several servers side by side, node by node, and tells where they are not alike.
///
/// It holds the paths that are still to be read and one batch of nodes: 64 of every server, and fewer where data is large.
package struct TreeComparison: Sendable {
    /// What is taken for newer than the division on the destination.
    package enum Newer: Hashable, Sendable {
        /// Nothing: the sides must be alike.
        case nothing
        /// What a transaction above this one made.
        case above(Zxid)
        /// What a transaction of a later epoch made than the latest that both sides show alike.
        case laterEpochs
    }

    package struct Options: Sendable {
        /// Nodes of each server in a second.
        package var rate = 2000
        package var newer = Newer.laterEpochs
        /// Findings that are kept of each kind; all are counted.
        package var limit = 100
        /// Without an answer of a server.
        package var patience = Duration.seconds(30)
        package var credentials: [Credentials] = []
        /// Left out, with all below.
        package var except: Set<String> = []
        /// Fields that may differ.
        package var ignored: Set<NodeField> = []

        package init() {}
    }

    private let sides: ComparedSides
    private let path: String
    private let options: Options
    private let timing: Timing
    private let log: Logger

    /// - Parameter path: from the root of every server.
    package init(_ sides: ComparedSides, path: String, options: Options, timing: Timing, log: Logger) {
        self.sides = sides
        self.path = path
        self.options = options
        self.timing = timing
        self.log = log
    }

    /// - Parameter progress: called about once a second with the nodes compared so far.
    package func report(progress: (Int) -> Void = { _ in }) async -> ComparisonReport {
        var walk = ComparisonWalk(sides, path: path, options: options, timing: timing, log: log)
        let report = await walk.report(progress: progress)
        await walk.close()
        return report
    }
}
