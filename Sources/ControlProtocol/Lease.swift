import Printable

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
    /// What the run is at, for whoever watches; nil leaves what the agent knows of it.
    package let place: RunPlace?

    package init(lease: Lease, secondsToLive: Int, takeOver: Bool = false, place: RunPlace? = nil) {
        self.lease = lease
        self.secondsToLive = secondsToLive
        self.takeOver = takeOver
        self.place = place
    }
}

/// What a run is at, as its coordinator says; nobody decides anything by it.
package struct RunPlace: Hashable, Sendable, Codable {
    /// Characters of each text; the rest is cut.
    private static let longest = 160

    package let stage: String
    package let step: String?
    package let title: String
    /// When the step began, Unix milliseconds by the coordinator's clock.
    package let since: Int64
    /// How long the division is expected to leave the destination's clients without ZooKeeper, milliseconds; nil when that
    /// was not predicted yet.
    package let window: Int?

    package init(stage: String, step: String?, title: String, since: Int64, window: Int? = nil) {
        let cut = { (text: String) in String(PrintableText(text).description.prefix(Self.longest)) }
        self.stage = cut(stage)
        self.step = step.map(cut)
        self.title = cut(title)
        self.since = since
        self.window = window
    }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            stage: try values.decode(String.self, forKey: .stage),
            step: try values.decodeIfPresent(String.self, forKey: .step),
            title: try values.decode(String.self, forKey: .title),
            since: try values.decode(Int64.self, forKey: .since),
            window: try values.decodeIfPresent(Int.self, forKey: .window)
        )
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
    /// What the run is at; nil when its coordinator did not say, or the agent was started since.
    package let place: RunPlace?

    package init(
        highestEpoch: FencingEpoch,
        current: Lease?,
        holder: String?,
        expiresAt: Int64?,
        since: Int64? = nil,
        place: RunPlace? = nil
    ) {
        self.place = place
        self.highestEpoch = highestEpoch
        self.current = current
        self.holder = holder
        self.expiresAt = expiresAt
        self.since = since
    }
}
