import ControlProtocol
import Fleet
import Journal
import Procedure
import Settings
import SystemCalls

/// Cleans a plan's servers of our rules, unless the plan's journal or what runs on them speaks against it.
struct RuleCleaning {
    let plan: MigrationPlan
    let fleet: any Fleet
    let journal: any RunArchive
    let timing: Timing
    let force: Bool

    /// Returns how many hosts are not proven clean.
    func perform(say: (String) -> Void) async throws -> Int {
        let view = try await unrefusedView()
        let cleaning = HostCleaning(hosts: plan.servers.map(\.host), fleet: fleet, timing: timing)
        return try await cleaning.perform(as: try runID(), seen: view.hosts, takeOver: force) {
            host,
            outcome in
            switch outcome {
            case .cleaned(let left): say("\(host): \(left) rules left")
            case .failed(let reason): say(reason)
            case .silent: say("\(host): no answer; not cleaned")
            }
        }
    }

    /// What the hosts answer now, unless that or the journal speaks against removing anything.
    func unrefusedView() async throws -> FleetView {
        let view = FleetView(hosts: await fleet.observe(plan.servers.map(\.host)))
        if !force {
            try refuseUnfinished(journal)
            try refuseMixedViews(view)
        }
        return view
    }

    func runID() throws -> RunID {
        let name = "\(timing.now())-clean-\(plan.name)"
        guard let run = RunID(name) else { throw Complaint("\(plan.file): '\(plan.name)' gives no run id") }
        return run
    }

    private func refuseUnfinished(_ journal: any RunArchive) throws {
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
}
