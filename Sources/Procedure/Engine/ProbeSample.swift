package import Topology

package enum ProbedSide: String, Hashable, Sendable, Codable, CaseIterable {
    case source
    case destination
}

/// What a client that writes all the time saw of one side in one interval.
package struct ProbeSample: Hashable, Sendable, Codable {
    package let side: ProbedSide
    /// The end of the interval, Unix milliseconds.
    package let at: Int64
    /// Acknowledged.
    package let writes: Int
    package let failures: Int
    /// The longest that an acknowledged write took, milliseconds.
    package let worst: Int
    /// Since when no write was acknowledged, Unix milliseconds; nil while the side takes writes.
    package let unavailableSince: Int64?
    /// Of the newest write that was acknowledged.
    package let zxid: Zxid?

    package init(
        side: ProbedSide,
        at: Int64,
        writes: Int,
        failures: Int,
        worst: Int,
        unavailableSince: Int64?,
        zxid: Zxid?
    ) {
        self.side = side
        self.at = at
        self.writes = writes
        self.failures = failures
        self.worst = worst
        self.unavailableSince = unavailableSince
        self.zxid = zxid
    }
}
