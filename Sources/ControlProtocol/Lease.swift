/// The right to command an agent: one run at a time, ordered by its fencing epoch.
package struct Lease: Hashable, Sendable, Codable {
    package let runID: RunID
    package let epoch: FencingEpoch

    package init(runID: RunID, epoch: FencingEpoch) {
        self.runID = runID
        self.epoch = epoch
    }
}

/// `POST /v1/lease`: asks for a lease, or renews it (same run, same epoch).
package struct LeaseRequest: Hashable, Sendable, Codable {
    package let lease: Lease
    /// Seconds from the agent's receipt until the lease lapses unless renewed, 1 to 3600.
    package let secondsToLive: Int
    /// Takes over from another run whose lease has not lapsed.
    ///
    /// The epoch must still be higher.
    package let takeOver: Bool

    package init(lease: Lease, secondsToLive: Int, takeOver: Bool = false) {
        self.lease = lease
        self.secondsToLive = secondsToLive
        self.takeOver = takeOver
    }
}

/// What an agent knows of its lease.
///
/// The highest epoch survives a restart of the agent.
package struct LeaseState: Hashable, Sendable, Codable {
    /// The highest epoch ever granted on this host, 0 before the first.
    package let highestEpoch: FencingEpoch
    /// Nil when none was granted, or it was released.
    package let current: Lease?
    /// The coordinator's name as its certificate gives it.
    package let holder: String?
    /// Unix time, milliseconds; in the past once the lease has lapsed.
    package let expiresAt: Int64?
    /// Unix time, milliseconds, of the first grant that was only renewed since; nil when it is not known.
    package let since: Int64?

    package init(
        highestEpoch: FencingEpoch,
        current: Lease?,
        holder: String?,
        expiresAt: Int64?,
        since: Int64? = nil
    ) {
        self.highestEpoch = highestEpoch
        self.current = current
        self.holder = holder
        self.expiresAt = expiresAt
        self.since = since
    }
}
