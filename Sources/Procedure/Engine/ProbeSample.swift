package import Topology

/// Which ensemble a probe uses as its clients do.
package enum ProbedSide: String, Hashable, Sendable, Codable, CaseIterable {
    case source
    /// Through the seeds: their clients go through the division with them.
    case destination

    /// Where its probe writes: an ephemeral node in the root; those of several plans on one ensemble do not meet.
    package func node(of plan: String) -> String { "/mitosis-probe-\(plan)-\(rawValue)" }
}

/// What a probe, a client of its own, was answered by one side in one interval.
package struct ProbeSample: Hashable, Sendable, Codable {
    package let side: ProbedSide
    /// The end of the interval, Unix milliseconds by the coordinator's clock.
    package let at: Int64
    /// Acknowledged, and then read.
    package let writes: Int
    /// Requests and sessions that came to nothing; a write among them may have happened.
    package let failures: Int
    /// Of the acknowledged writes, the longest, milliseconds.
    package let worst: Int
    /// Between two acknowledged writes, or since the last one, at most: milliseconds.
    ///
    /// Counted where it ends, and as far as it has come in each interval before.
    package let gap: Int
    /// When the last write was acknowledged, if none was in this interval; Unix milliseconds.
    package let unavailableSince: Int64?
    /// Of the last acknowledged write.
    package let zxid: Zxid?

    package init(
        side: ProbedSide,
        at: Int64,
        writes: Int,
        failures: Int = 0,
        worst: Int = 0,
        gap: Int = 0,
        unavailableSince: Int64? = nil,
        zxid: Zxid? = nil
    ) {
        self.side = side
        self.at = at
        self.writes = writes
        self.failures = failures
        self.worst = worst
        self.gap = gap
        self.unavailableSince = unavailableSince
        self.zxid = zxid
    }
}
