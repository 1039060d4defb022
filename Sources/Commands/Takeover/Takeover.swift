import ControlProtocol
import Fleet
import FoundationEssentials
import Journal
import Procedure
import Reporting
import Settings
import SystemCalls

/// Takes a run over from a coordinator whose journal is not at hand.
///
/// docs/takeover.md has its states. Until `fence` nothing is changed anywhere; the journal appears whole or not at all.
struct Takeover: Sendable {
    let plan: MigrationPlan
    let fleet: any Fleet
    let agents: any ChainAgents
    let timing: Timing
    /// A line for the operator, and whether it is a warning.
    let tell: @Sendable (String, _ isWarning: Bool) -> Void
    let stopRequest: @Sendable () -> StopRequest
    /// How long the hosts have to keep that the run was taken over.
    var patience: Duration = .seconds(2)

    /// Before hosts that carry out a command are asked again.
    private static let pause: Duration = .milliseconds(250)

    private var servers: [HostName] { plan.servers.map(\.host) }
    private var hosts: [HostName] { plan.agents.map(\.host) }

    /// What a majority keeps of the run; writes to `file` what it says of the plan, if the plan is another.
    func believed(planTo file: String?) async throws -> (run: ChainedRun, links: [ChainLink]) {
        let answers = await ChainAnswer.read(servers, through: agents)
        let belief = ChainBelief(of: servers, answers)
        for line in belief.lines { tell(line, true) }
        guard !belief.links.isEmpty else {
            throw Complaint(
                "nothing is believed of any run: it takes the same from \(belief.majority) of the plan's \(servers.count) ZooKeeper "
                    + "hosts. Nothing was changed. If the coordinator's machine lives, go on there: `mitosis run`"
            )
        }
        let run = try ChainedRun(belief.links)
        guard run.beginning.planDigest == plan.digest else {
            let hint = file.map { "its plan is in \($0) now" } ?? "--write-plan FILE writes it"
            if let file { try write(run.beginning, to: file) }
            throw Complaint(
                "\(plan.file) is not the plan of run \(run.record.id), which these hosts know; nothing was changed: \(hint)"
            )
        }
        return (run, belief.links)
    }

    /// What stands, as far as it is believed, and who holds the leases.
    func show(_ run: ChainedRun) async {
        let history = run.history
        tell(
            "run \(run.record.id) of plan \(run.record.plan), begun \(Self.time(run.record.startedAt))",
            false
        )
        tell("it is \(history.standing): \(history.standing.advice)", false)
        let view = await fleet.observe(hosts)
        var holders: [String: [HostName]] = [:]
        for host in hosts {
            switch view[host] {
            case .status(let status):
                if let holder = status.lease.sentence(now: status.clock) {
                    holders[holder, default: []].append(host)
                }
            case .silent(let reason): tell("\(host): \(reason)", true)
            case nil: tell("\(host): it was not asked", true)
            }
        }
        if holders.isEmpty { tell("no coordinator holds a lease", false) }
        for (holder, hosts) in holders.sorted(by: { $0.key < $1.key }) {
            tell("\(holder), on \(hosts.listed())", false)
        }
    }

    static func question(_ run: ChainedRun) -> String {
        "Run \(run.record.id) is taken over: its coordinator, if it lives, is refused everything from then on."
    }

    /// Fences every agent, waits for what is under way, and writes the journal; leaves the leases free.
    func perform(into journal: () throws -> SQLiteJournal, after first: [ChainLink]) async throws -> (
        run: ChainedRun, journal: SQLiteJournal
    ) {
        let id = try ChainedRun(first).record.id
        let leases = Leases(hosts: hosts, fleet: fleet, timing: timing)
        let lease = Lease(runID: id, epoch: try await leases.nextEpoch())
        return try await leases.holding(lease, takeOver: true) {
            tell(
                "every agent has granted epoch \(lease.epoch): whoever held the run is refused from now on",
                false
            )
            try await untilIdle()
            var (run, links) = try await believed(planTo: nil)
            guard run.record.id == id else {
                throw Complaint(
                    "the hosts keep run \(run.record.id) now, no longer run \(id); nothing was taken over"
                )
            }
            try Self.refuseEnded(run)
            let files = OriginalFiles(run: id, fleet: fleet, agents: agents)
            run.complete(with: try await files.complete(run.record.survey))
            let journal = try journal()
            try journal.restore(run, links)
            try await keep(run, lease, in: journal)
            return (run, journal)
        }
    }

    static func refuseEnded(_ run: ChainedRun) throws {
        switch run.ending {
        case .stopped, nil: return
        case .finished, .withdrawn:
            throw Complaint(
                "run \(run.record.id) has come to its end (\(run.ending?.rawValue ?? "")): there is nothing to take over"
            )
        }
    }

    /// Refuses a journal that has the run, or another one that has not ended.
    static func refuseKnown(_ run: RunID, in journal: SQLiteJournal, of plan: MigrationPlan) throws {
        let known = try journal.runs().first { $0.record.id == run }
        guard known == nil else {
            throw Complaint(
                "\(plan.journalPath) has run \(run) already: `mitosis run --take-over \(plan.file)` goes on with it, `mitosis "
                    + "rollback --take-over` takes it back. If another coordinator has gone on since, move the journal away first"
            )
        }
        guard let other = try journal.unfinishedRun(plan: plan.name),
            RunHistory(try journal.entries(of: other.id)).hasActed
        else { return }
        throw Complaint(
            "\(plan.journalPath) has run \(other.id) of the same plan, which has not ended; move the journal away first"
        )
    }

    /// From here on the chain itself says that the run was taken over.
    private func keep(_ run: ChainedRun, _ lease: Lease, in journal: SQLiteJournal) async throws {
        try journal.setEpoch(lease.epoch, of: run.record.id)
        let mirroring = Mirroring(journal: journal, agents: agents)
        let mirrored = try mirroring.begin(run.record, of: plan, under: lease, timing: timing) {
            tell($0, true)
        }
        guard let mirrored else { return }
        if !(await mirrored.isHeld(within: patience)) {
            tell("not all hosts keep yet that the run was taken over", true)
        }
        await mirrored.close(within: patience)
    }

    /// Returns when no agent carries out a command any more; none begins one of an older epoch.
    private func untilIdle() async throws {
        var told: Set<HostName> = []
        while true {
            let busy = await commandsUnderWay()
            if busy.isEmpty { return }
            for (host, what) in busy where told.insert(host).inserted {
                tell("\(host): waiting for \(what)", false)
            }
            guard stopRequest() == .none else { throw Complaint("stopped, as asked; nothing was taken over") }
            await timing.sleep(Self.pause)
        }
    }

    private func commandsUnderWay() async -> [(host: HostName, what: String)] {
        let agents = agents
        let answers = await mapHosts(hosts) { host -> String? in
            do throws(FleetError) {
                return try await agents.chain(Mirroring.end, on: host)?.acting?.description
            } catch {
                return "its agent: \(error.reason)"
            }
        }
        return zip(hosts, answers).compactMap { host, what in what.map { (host, $0) } }
    }

    private func write(_ beginning: ChainBeginning, to file: String) throws {
        try NewFile.write(beginning.planText, to: file)
        if let inventory = beginning.inventoryText { try NewFile.write(inventory, to: file + ".inventory") }
    }

    static func time(_ milliseconds: Int64) -> String {
        Date(timeIntervalSince1970: Double(milliseconds) / 1000).ISO8601Format()
    }
}
