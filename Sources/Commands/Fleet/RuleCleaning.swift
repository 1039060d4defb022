import ControlProtocol
import Fleet
import Glibc
import Journal
import Procedure
import Settings
import SystemCalls

/// Removes our rules from every host that answers, and says which did not.
struct RuleCleaning {
    let plan: MigrationPlan
    let fleet: AgentFleet
    let timing: Timing
    let force: Bool

    /// Returns how many hosts are not proven clean.
    func perform(say: (String) -> Void) async throws -> Int {
        let journal = try SQLiteJournal(path: plan.journalPath, exclusively: true)
        let hosts = plan.servers.map(\.host)
        let view = FleetView(hosts: await fleet.observe(hosts))
        if !force {
            try refuseUnfinished(journal)
            try refuseMixedViews(view)
        }
        let reachable = hosts.filter { view.status($0) != nil }
        for host in hosts where !reachable.contains(host) { say("\(host): no answer; not cleaned") }
        guard let highest = reachable.compactMap({ view.status($0)?.lease.highestEpoch }).max(),
            let run = RunID("\(timing.now())-clean-\(plan.name)")
        else { return hosts.count }
        let lease = Lease(runID: run, epoch: FencingEpoch(highest.value + 1))
        let leases = Leases(hosts: reachable, fleet: fleet, timing: timing)
        try await leases.acquire(lease, takeOver: force)
        var left = hosts.count - reachable.count
        for host in reachable where !(await isCleaned(host, lease, say)) { left += 1 }
        await leases.release(lease)
        return left
    }

    private func refuseUnfinished(_ journal: SQLiteJournal) throws {
        for run in try journal.runs() where run.record.plan == plan.name && run.ending != .finished {
            let history = RunHistory(try journal.entries(of: run.record.id))
            guard !history.passed.contains(.divisionBegan) else {
                throw Complaint(
                    "run \(run.record.id) has divided the ensemble and has not finished; go on with `mitosis run`. "
                        + "--force removes the rules nevertheless: the two sides may then join again"
                )
            }
        }
    }

    /// The journal may be on another machine: what counts is what runs.
    private func refuseMixedViews(_ view: FleetView) throws {
        for server in plan.servers {
            let own = Set(plan.source.contains(server) ? plan.sourceMembers : plan.destinationMembers)
            guard let zookeeper = view.zookeeper(server.host) else {
                throw Complaint("\(view.silence(server.host) ?? "\(server.host): no answer"); \(Self.unsafe)")
            }
            let file = zookeeper.fileView.map(Set.init)
            let running = zookeeper.runningView.map(Set.init)
            guard file == own, zookeeper.state == .stopped || running == own else {
                throw Complaint(
                    "\(server.host) does not run, or will not run, its own side's view; \(Self.unsafe)"
                )
            }
        }
    }

    private static let unsafe =
        "without the rules the two sides could join again. See `mitosis status`; --force removes them nevertheless"

    private func isCleaned(_ host: HostName, _ lease: Lease, _ say: (String) -> Void) async -> Bool {
        do {
            let result = try await remove(on: host, lease)
            guard case .rules(let rules) = result else {
                say("\(host): \(result)")
                return false
            }
            say("\(host): \(rules.count) rules left")
            return rules.count == 0
        } catch {
            say("\(host): \(error)")
            return false
        }
    }

    private func remove(on host: HostName, _ lease: Lease) async throws -> CommandResult {
        guard let id = CommandID("\(lease.runID)-\(host)") else { throw Complaint("\(host): no command id") }
        let request = CommandRequest(id: id, lease: lease, command: .removeWall)
        do throws(FleetError) {
            return try await fleet.perform(request, on: host) { _ in }
        } catch {
            // The same id once more: the agent gives what came of it.
            guard case .replyLost = error else { throw error }
            return try await fleet.perform(request, on: host) { _ in }
        }
    }
}
