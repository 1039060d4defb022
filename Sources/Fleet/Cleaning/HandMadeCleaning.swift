package import ControlProtocol
package import SystemCalls

/// Looks for rules that somebody made by hand on hosts, and removes them, all at once, under leases that are renewed meanwhile.
///
/// A host is clean when its kernel and its files, read afterwards, hold none of them.
package struct HandMadeCleaning: Sendable {
    /// What is known of one host.
    package enum Outcome: Hashable, Sendable {
        case read(HandMadeReport)
        case failed(reason: String)
        /// It gave no status before, and was not asked for anything.
        case silent

        package var isClean: Bool {
            switch self {
            case .read(let report): report.isClean
            case .failed, .silent: false
            }
        }
    }

    /// How long an agent may stay out of reach; the same command id is sent again meanwhile.
    private static let patience = Duration.seconds(20)

    private let hosts: [HostName]
    private let request: HandMadeRequest
    private let fleet: any Fleet
    private let timing: Timing

    package init(hosts: [HostName], request: HandMadeRequest, fleet: any Fleet, timing: Timing) {
        self.hosts = hosts
        self.request = request
        self.fleet = fleet
        self.timing = timing
    }

    /// Changes nothing, and takes no lease; in the order of `hosts`.
    package func look() async -> [(host: HostName, outcome: Outcome)] {
        let outcomes = await mapHosts(hosts) { host in
            do throws(FleetError) {
                return Outcome.read(try await fleet.handMade(request, on: host))
            } catch {
                return Outcome.failed(reason: "\(error)")
            }
        }
        return Array(zip(hosts, outcomes))
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
        return hosts.count - outcomes.count { $0.isClean }
    }

    private func clean(_ host: HostName, _ lease: Lease) async -> Outcome {
        let dispatch = CommandDispatch(
            fleet: fleet,
            lease: lease,
            leaseSeconds: Leases.secondsToLive,
            timing: timing,
            patience: Self.patience
        ) { _, _ in }
        let command = Command.removeHandMadeRules(request: request)
        let answer = await dispatch.send([HostCommand(host, command)], step: "hand-made", attempt: 1)
        if let failure = answer.failures.first { return .failed(reason: "\(failure)") }
        guard case .handMade(let report) = answer.results[host]?.first else {
            return .failed(reason: "\(host): its agent did not say which rules are left; upgrade it")
        }
        return .read(report)
    }
}
