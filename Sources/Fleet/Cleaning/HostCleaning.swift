package import ControlProtocol
package import SystemCalls

/// Removes our rules from hosts, all at once, under leases that are renewed meanwhile.
///
/// A host is clean when its kernel, read afterwards, holds no rule of ours; everything else counts as left.
package struct HostCleaning: Sendable {
    /// What became of one host.
    package enum Outcome: Hashable, Sendable {
        /// What its kernel holds of ours afterwards.
        case cleaned(rulesLeft: Int)
        case failed(reason: String)
        /// It gave no status before, and was not asked for anything.
        case silent
    }

    /// How long an agent may stay out of reach; the same command id is sent again meanwhile.
    private static let patience = Duration.seconds(20)

    private let hosts: [HostName]
    private let fleet: any Fleet
    private let timing: Timing

    package init(hosts: [HostName], fleet: any Fleet, timing: Timing) {
        self.hosts = hosts
        self.fleet = fleet
        self.timing = timing
    }

    /// Gives how many hosts are not proven clean.
    ///
    /// - Parameters:
    ///   - seen: what the hosts answered just now; those that did not are left alone.
    ///   - tell: gets the silent hosts before anything is done, then those whose epoch is not believed, and the others at
    ///     the end, each in the order of `hosts`.
    package func perform(
        as run: RunID,
        seen: [HostName: Observation],
        takeOver: Bool,
        tell: (HostName, Outcome) -> Void
    ) async throws -> Int {
        let answered = seen.filter { answer in
            guard case .status = answer.value else { return false }
            return hosts.contains(answer.key)
        }
        for host in hosts where answered[host] == nil { tell(host, .silent) }
        guard !answered.isEmpty else { return hosts.count }
        // One that says what cannot be is left out: it would refuse the epoch that the others take.
        let poll = EpochPoll(answered)
        let left = Set(poll.outliers.map(\.host))
        for outlier in poll.outliers { tell(outlier.host, .failed(reason: "\(outlier.error)")) }
        let reachable = hosts.filter { answered[$0] != nil && !left.contains($0) }
        let lease = Lease(runID: run, epoch: try poll.next())
        let leases = Leases(hosts: reachable, fleet: fleet, timing: timing)
        let outcomes = try await leases.holding(lease, takeOver: takeOver) {
            await mapHosts(reachable) { host in await clean(host, lease) }
        }
        for (host, outcome) in zip(reachable, outcomes) { tell(host, outcome) }
        return hosts.count - outcomes.count { $0 == .cleaned(rulesLeft: 0) }
    }

    private func clean(_ host: HostName, _ lease: Lease) async -> Outcome {
        let dispatch = CommandDispatch(
            fleet: fleet,
            lease: lease,
            leaseSeconds: Leases.secondsToLive,
            timing: timing,
            patience: Self.patience
        ) { _, _ in }
        let answer = await dispatch.send([HostCommand(host, .removeWall)], step: "rules", attempt: 1)
        if let failure = answer.failures.first { return .failed(reason: "\(failure)") }
        guard case .rules(let rules) = answer.results[host]?.first else {
            return .failed(reason: "\(host): its agent did not say which rules are left")
        }
        return .cleaned(rulesLeft: rules.count)
    }
}
