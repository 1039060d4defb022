import ControlProtocol
import SystemCalls

/// Removes one host's rules under a lease of its own that is renewed meanwhile, and given back.
///
/// A host is clean when its kernel, read afterwards, holds none of them; everything else counts as left.
struct HostCleaning: Sendable {
    /// How long an agent may stay out of reach; the same command id is sent again meanwhile.
    private static let patience = Duration.seconds(20)

    let fleet: any Fleet
    let timing: Timing
    let run: RunID
    let takeOver: Bool
    let aim: CleaningAim

    /// - Parameter facts: what was seen of the host just now.
    func perform(on host: HostName, _ facts: RulesFacts, attempt: Int) async -> CleaningBoard.Outcome {
        // What an earlier attempt left is not what this one leaves.
        if case .handMade(_, let reports) = aim { reports.forget(host) }
        // Of this host alone: what another one says of its epochs is of no weight here.
        guard let epoch = facts.lease.highestEpoch.successor else {
            return .failed(
                reason:
                    "its agent says that it has granted epoch \(facts.lease.highestEpoch), after which there is none. "
                    + "Make sure that no run is in progress, then `mitosis-agent lease reset` on that host"
            )
        }
        let lease = Lease(runID: run, epoch: epoch)
        do {
            return try await Leases(hosts: [host], fleet: fleet, timing: timing)
                .holding(lease, takeOver: takeOver) {
                    await remove(on: host, lease, facts, attempt)
                }
        } catch let error as FleetError {
            return Self.outcome(error)
        } catch {
            return .failed(reason: "\(error)")
        }
    }

    private func remove(
        on host: HostName,
        _ lease: Lease,
        _ facts: RulesFacts,
        _ attempt: Int
    ) async -> CleaningBoard.Outcome {
        let dispatch = CommandDispatch(
            fleet: fleet,
            lease: lease,
            leaseSeconds: Leases.secondsToLive,
            timing: timing,
            patience: Self.patience
        ) { _, _ in }
        let command = HostCommand(host, aim.command)
        let answer = await dispatch.send([command], step: aim.step, attempt: attempt)
        if let failure = answer.failures.first { return Self.outcome(failure) }
        return aim.outcome(of: answer.results[host]?.first, on: host, facts)
    }

    private static func outcome(_ error: FleetError) -> CleaningBoard.Outcome {
        switch error {
        case .unreachable, .replyLost: .unreachable(reason: error.reason)
        case .refused(_, .leaseHeld): .refused(reason: error.reason)
        case .gaveUp(let last, _):
            switch last {
            case .unreachable, .replyLost: .unreachable(reason: error.reason)
            case .refused, .failed, .broken, .gaveUp: .failed(reason: error.reason)
            }
        case .refused, .failed, .broken: .failed(reason: error.reason)
        }
    }
}
