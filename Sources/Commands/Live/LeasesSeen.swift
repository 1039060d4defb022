import ControlProtocol
import Fleet
import Journal

/// What one look at the agents says of a plan's runs: leases that are in force.
struct LeasesSeen: Sendable {
    /// What agents were told last.
    private(set) var latest: LeaseState?
    /// Runs that somebody performs.
    private(set) var runs: Set<RunID> = []
    /// Whether all agents have answered.
    let isComplete: Bool

    init(_ look: [HostName: Observation], plan: String) {
        var answered = 0
        for observation in look.values {
            guard case .status(let status) = observation else { continue }
            answered += 1
            guard let lease = status.lease.current, (status.lease.expiresAt ?? 0) > status.clock,
                lease.runID.description.drop(while: \.isNumber) == "-\(plan)"
            else { continue }
            runs.insert(lease.runID)
            if Self.isNewer(status.lease, than: latest) { latest = status.lease }
        }
        isComplete = answered == look.count
    }

    /// Whether a run goes on that the journal does not have, if this is what the journal says after the look.
    ///
    /// A coordinator tells its place only when its journal has its epoch: a higher one is another coordinator's, and the same
    /// one of another run belongs to whoever was granted it.
    func isBeyond(_ seen: JournalWatch.Seen) -> Bool {
        guard let lease = latest?.current, latest?.place != nil else { return false }
        return lease.epoch > seen.epoch || (lease.epoch == seen.epoch && lease.runID != seen.run)
    }

    private static func isNewer(_ lease: LeaseState, than other: LeaseState?) -> Bool {
        guard let other else { return true }
        let (own, its) = (lease.current?.epoch ?? FencingEpoch(0), other.current?.epoch ?? FencingEpoch(0))
        if own != its { return own > its }
        return (lease.place?.since ?? .min) > (other.place?.since ?? .min)
    }
}
