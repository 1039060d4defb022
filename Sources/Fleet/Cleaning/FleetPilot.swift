package import ControlProtocol
package import SystemCalls

/// Puts up and removes a wall against addresses that nobody has, on many hosts, each with its own backend.
///
/// A host whose coordinator dies meanwhile ends the trial by itself; one whose agent dies removes it when it starts again.
package struct FleetPilot: Sendable {
    package enum Outcome: Hashable, Sendable {
        case passed(PilotReport)
        /// Nothing was changed.
        case refused(reason: String)
        case unreachable(reason: String)
        case failed(reason: String)
        /// No ZooKeeper runs there: it needs no wall.
        case notMeant
    }

    /// One host, and whether it is known to be one that needs a wall.
    package struct Host: Hashable, Sendable {
        package let name: HostName
        /// Nil: what its agent says of ZooKeeper decides.
        package let isMeant: Bool?

        package init(_ name: HostName, isMeant: Bool?) {
            self.name = name
            self.isMeant = isMeant
        }
    }

    private let fleet: any Fleet
    private let timing: Timing
    private let run: RunID
    private let wall: Wall
    private let limit: Duration

    package init(
        fleet: any Fleet,
        timing: Timing,
        run: RunID,
        wall: Wall,
        limit: Duration = .seconds(120)
    ) {
        self.fleet = fleet
        self.timing = timing
        self.run = run
        self.wall = wall
        self.limit = limit
    }

    package func perform(on hosts: [Host], tell: (HostName, Outcome) -> Void) async {
        await askHosts(hosts) { host -> Outcome in
            let outcome = await Deadline.cancelling(after: limit) { await pilot(host) }
            await fleet.hangUp(host.name)
            return outcome
                ?? .failed(reason: "it did not come to an end within \(limit); see `mitosis rules list`")
        } arrived: { number, outcome in
            tell(hosts[number].name, outcome)
        }
    }

    private func pilot(_ host: Host) async -> Outcome {
        let facts: RulesFacts
        switch await fleet.look(at: host.name, within: limit) {
        case .status(let status): facts = RulesFacts(status)
        case .silent(let reason): return .unreachable(reason: reason)
        }
        guard host.isMeant ?? (facts.server != nil) else { return .notMeant }
        if let reason = facts.leaseObjection(judgingLapsed: false) { return .refused(reason: reason) }
        guard let epoch = facts.lease.highestEpoch.successor else {
            return .failed(
                reason: "its agent has granted the highest epoch that there is; see `mitosis status`"
            )
        }
        let lease = Lease(runID: run, epoch: epoch)
        do {
            return try await Leases(hosts: [host.name], fleet: fleet, timing: timing)
                .holding(lease, takeOver: false) { await send(to: host.name, lease) }
        } catch let error as FleetError {
            return Self.outcome(error)
        } catch {
            return .failed(reason: "\(error)")
        }
    }

    private func send(to host: HostName, _ lease: Lease) async -> Outcome {
        let dispatch = CommandDispatch(
            fleet: fleet,
            lease: lease,
            leaseSeconds: Leases.secondsToLive,
            timing: timing,
            patience: .seconds(20)
        ) { _, _ in }
        let answer = await dispatch.send(
            [HostCommand(host, .pilotWall(wall: wall))],
            step: "pilot",
            attempt: 1
        )
        if let failure = answer.failures.first { return Self.outcome(failure) }
        guard case .piloted(let report)? = answer.results[host]?.first else {
            return .failed(reason: "its agent did not say what came of the trial; see `mitosis rules list`")
        }
        return .passed(report)
    }

    private static func outcome(_ error: FleetError) -> Outcome {
        switch error {
        case .unreachable, .replyLost, .gaveUp: .unreachable(reason: error.reason)
        case .refused: .refused(reason: error.reason)
        case .failed, .broken: .failed(reason: error.reason)
        }
    }
}
