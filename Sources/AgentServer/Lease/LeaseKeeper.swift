package import ControlProtocol
import Topology

/// Decides who may command this host.
///
/// Pure: every event gives one action, and the caller carries it out.
///
/// It is a value, so a caller keeps the changed copy only once the action succeeded (the record is on disk).
///
/// A lease that was given back is spent: the same run and epoch is never granted again, over a restart too, for a
/// request to renew it may have been overtaken by its release. One that has lapsed may be renewed.
package struct LeaseKeeper: Hashable, Sendable {
    package enum Event: Hashable, Sendable {
        /// A coordinator asks for a lease, or renews its own.
        case requested(request: LeaseRequest, by: String)
        case released(lease: Lease, by: String)
        /// A command arrived under this lease.
        case commanded(lease: Lease, by: String)
    }

    package enum Action: Hashable, Sendable {
        /// Make this durable, then answer with the new state.
        case store(record: LeaseRecord)
        /// Nothing changes; answer with the state as it is.
        case answer
        /// The command may go on.
        case allow
        case refuse(refusal: Refusal)
    }

    private struct Grant: Hashable, Sendable {
        let lease: Lease
        let holder: String
        let lapses: Duration
        let expiresAt: Int64
        /// Nil when an earlier version granted it.
        let since: Int64?
        /// In memory alone.
        var place: RunPlace?
    }

    /// The lease that was granted last; its epoch is the highest ever granted here.
    private var latest: Lease?
    /// Nil once the latest was given back.
    private var grant: Grant?

    /// `now` turns the record's wall-clock expiry into time left, never more than was granted.
    package init(record: LeaseRecord?, now: Moment) {
        latest = record?.latest
        guard let current = record?.current, let latest = record?.latest else { return }
        let granted = Int64(min(max(current.secondsToLive, 0), Bound.secondsToLive.upperBound)) * 1000
        let left = min(max(current.expiresAt.minus(saturating: now.unixMilliseconds), 0), granted)
        grant = Grant(
            lease: latest,
            holder: current.holder,
            lapses: now.sinceBoot + .milliseconds(left),
            expiresAt: now.unixMilliseconds.plus(saturating: left),
            since: current.since
        )
    }

    package var state: LeaseState {
        LeaseState(
            highestEpoch: latest?.epoch ?? FencingEpoch(0),
            current: grant?.lease,
            holder: grant?.holder,
            expiresAt: grant?.expiresAt,
            since: grant?.since,
            place: grant?.place
        )
    }

    package mutating func handle(_ event: Event, at now: Moment) -> Action {
        switch event {
        case .requested(let request, let name): requested(request, name, now)
        case .released(let lease, let name): released(lease, name)
        case .commanded(let lease, let name): commanded(lease, name, now)
        }
    }

    private mutating func requested(_ request: LeaseRequest, _ name: String, _ now: Moment) -> Action {
        guard Bound.secondsToLive.contains(request.secondsToLive) else {
            return .refuse(refusal: .invalid(reason: "secondsToLive must be 1 to 3600"))
        }
        guard request.lease.epoch > FencingEpoch(0) else {
            return .refuse(refusal: .invalid(reason: "a fencing epoch must be 1 or more"))
        }
        if let latest, latest != request.lease, request.lease.epoch <= latest.epoch {
            return .refuse(refusal: .superseded(highest: latest.epoch))
        }
        let highest = latest?.epoch ?? FencingEpoch(0)
        if request.lease.epoch.isBeyondReach(of: highest) {
            return .refuse(refusal: .epochTooFar(highest: highest))
        }
        if let latest, latest == request.lease, grant == nil {
            return .refuse(refusal: .superseded(highest: latest.epoch))
        }
        let held = grant.map { held in
            held.lapses > now.sinceBoot
                && (held.lease.runID != request.lease.runID || held.holder != name)
        }
        if held == true, let latest, request.lease.epoch <= latest.epoch {
            return .refuse(
                refusal: request.takeOver ? .superseded(highest: latest.epoch) : .leaseHeld(state: state)
            )
        }
        if held == true, !request.takeOver { return .refuse(refusal: .leaseHeld(state: state)) }
        let expiresAt = now.unixMilliseconds.plus(saturating: Int64(request.secondsToLive) * 1000)
        let isRenewal = grant.map { $0.lease == request.lease && $0.holder == name } ?? false
        let since = isRenewal ? grant?.since : now.unixMilliseconds
        let place = request.place ?? (isRenewal ? grant?.place : nil)
        latest = request.lease
        grant = Grant(
            lease: request.lease,
            holder: name,
            lapses: now.sinceBoot + .seconds(request.secondsToLive),
            expiresAt: expiresAt,
            since: since,
            place: place
        )
        return .store(
            record: LeaseRecord(
                latest: request.lease,
                current: .init(
                    holder: name,
                    expiresAt: expiresAt,
                    secondsToLive: request.secondsToLive,
                    since: since
                )
            )
        )
    }

    /// Releasing what was released, or has lapsed and was not taken by anybody, changes nothing.
    private mutating func released(_ lease: Lease, _ name: String) -> Action {
        guard let latest else { return .answer }
        guard lease == latest else {
            return lease.epoch > latest.epoch
                ? .refuse(refusal: .noLease) : .refuse(refusal: .superseded(highest: latest.epoch))
        }
        guard let grant else { return .answer }
        guard grant.holder == name else { return .refuse(refusal: .leaseHeld(state: state)) }
        self.grant = nil
        return .store(record: LeaseRecord(latest: latest, current: nil))
    }

    private func commanded(_ lease: Lease, _ name: String, _ now: Moment) -> Action {
        guard let latest else { return .refuse(refusal: .noLease) }
        guard lease == latest else {
            return lease.epoch > latest.epoch
                ? .refuse(refusal: .noLease) : .refuse(refusal: .superseded(highest: latest.epoch))
        }
        guard let grant, grant.lapses > now.sinceBoot else { return .refuse(refusal: .noLease) }
        guard grant.holder == name else { return .refuse(refusal: .leaseHeld(state: state)) }
        return .allow
    }
}
