import ControlProtocol
import Glibc
import Journaling
import Planning
import Procedure

/// Removes our rules from every host that answers, and says which did not.
struct RuleCleaning {
    let plan: MigrationPlan
    let fleet: AgentFleet
    let timing: Timing
    let force: Bool

    /// Returns how many hosts are not proven clean.
    func perform(say: (String) -> Void) async throws -> Int {
        let journal = try SQLiteJournal(path: plan.journalPath, exclusively: true)
        if let run = try journal.unfinishedRun(plan: plan.name), !force {
            let entries = try journal.entries(of: run.id)
            guard !entries.contains(where: { $0.step == "division.split" }) else {
                throw Complaint(
                    "run \(run.id) has divided the ensemble and has not finished; go on with `mitosis run`. "
                        + "--force removes the rules nevertheless: the two sides may then join again"
                )
            }
        }
        let hosts = plan.servers.map(\.host)
        let answers = await fleet.observe(hosts)
        let reachable = hosts.filter { if case .status = answers[$0] { true } else { false } }
        for host in hosts where !reachable.contains(host) { say("\(host): no answer; not cleaned") }

        let highest = reachable.compactMap { FleetView(hosts: answers).status($0)?.lease.highestEpoch }.max()
        guard let highest, let run = RunID("\(timing.now())-clean-\(plan.name)") else { return hosts.count }
        let lease = Lease(runID: run, epoch: FencingEpoch(highest.value + 1))
        let leases = Leases(hosts: reachable, fleet: fleet, timing: timing)
        try await leases.acquire(lease, takeOver: force)
        var left = hosts.count - reachable.count
        for host in reachable {
            let outcome = try await remove(on: host, lease)
            switch outcome {
            case .done(.rules(let rules)):
                say("\(host): \(rules.count) rules left")
                if rules.count > 0 { left += 1 }
            case .done, .refused, .failed:
                say("\(host): \(outcome)")
                left += 1
            }
        }
        await leases.release(lease)
        return left
    }

    private func remove(on host: HostName, _ lease: Lease) async throws -> CommandOutcome {
        guard let id = CommandID("\(lease.runID)-\(host)") else { throw Complaint("\(host): no command id") }
        let request = CommandRequest(id: id, lease: lease, command: .removeWall)
        return try await fleet.perform(request, on: host) { _ in }
    }
}
