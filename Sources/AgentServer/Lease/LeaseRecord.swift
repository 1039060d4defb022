package import ControlProtocol

/// What of the lease outlives the agent: the highest epoch for ever, the lease itself until it lapses.
package struct LeaseRecord: Hashable, Sendable, Codable {
    package struct Current: Hashable, Sendable, Codable {
        package let holder: String
        /// Unix milliseconds.
        package let expiresAt: Int64
        package let secondsToLive: Int
        /// When it was granted first, Unix milliseconds; nil in a record of an earlier version.
        package let since: Int64?

        package init(holder: String, expiresAt: Int64, secondsToLive: Int, since: Int64? = nil) {
            self.since = since
            self.holder = holder
            self.expiresAt = expiresAt
            self.secondsToLive = secondsToLive
        }
    }

    package let latest: Lease
    /// Nil once it was released; then `latest` is never granted again.
    package let current: Current?

    package init(latest: Lease, current: Current?) {
        self.latest = latest
        self.current = current
    }
}

extension LeaseRecord {
    private static let resetRun = RunID("reset-on-the-host")

    /// Whether root has said it, and no coordinator.
    var isReset: Bool { latest.runID == Self.resetRun }

    /// As if a lease with this epoch had been granted and given back.
    static func reset(to epoch: FencingEpoch) throws(AgentServerError) -> LeaseRecord {
        guard let run = resetRun else {
            throw .storage(path: "lease.json", operation: "name the run in", reason: "it is no run id")
        }
        return LeaseRecord(latest: Lease(runID: run, epoch: epoch), current: nil)
    }
}

extension LeaseRecord: Bounded {
    package func check() throws(OutOfBounds) {
        try check("latest", latest)
        try check("current", current)
    }
}

extension LeaseRecord.Current: Bounded {
    package func check() throws(OutOfBounds) {
        try check("expiresAt", expiresAt, Bound.time)
        try check("secondsToLive", secondsToLive, Bound.secondsToLive)
        try check("since", since, Bound.time)
    }
}
