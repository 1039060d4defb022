import ControlProtocol
import Fleet
import Journal
import Procedure
import Settings
import SystemCalls

/// The journal of a run as the ZooKeeper hosts' agents keep it, for whoever takes the run over without the file.
struct Mirroring: Sendable {
    /// Beyond the end of every chain: the answer says only where it ends.
    static let end = ChainReadRequest(from: 1_000_000)

    let journal: SQLiteJournal
    let agents: any ChainAgents

    /// Throws when a majority of the plan's ZooKeeper hosts keeps more of this run, or something else of it, than the journal.
    ///
    /// Whoever took the run over has gone on with it: this journal does not know what was done since.
    func checkNobodyWentOn(with run: RunID, of plan: MigrationPlan) async throws {
        let own = try journal.chain(of: run)
        let agents = agents
        let hosts = plan.servers.map(\.host)
        let states = await mapHosts(hosts) { host -> ChainState? in
            do throws(FleetError) { return try await agents.chain(Self.end, on: host)?.state } catch {
                return nil
            }
        }
        let ahead = zip(hosts, states).filter { _, state in
            guard let state, state.run == run, let head = state.head else { return false }
            return head.number >= own.count || own[head.number].head != head
        }
        guard ahead.count > hosts.count / 2 else { return }
        throw Complaint(
            "another coordinator has gone on with run \(run) since this journal was written: \(ahead.map(\.0).listed()) keep more "
                + "of it. Nothing was done. Go on with that coordinator's journal; or, if it is lost, move "
                + "\(plan.journalPath) away and `mitosis takeover \(plan.file)`"
        )
    }

    /// Throws when a majority of the plan's ZooKeeper hosts keeps what another run has done, which has not ended and which this
    /// journal does not know.
    ///
    /// A run that is begun puts its own in that place, and nobody could take the other over any more.
    func checkNobodyElseActed(than run: RunID, of plan: MigrationPlan) async throws {
        let belief = ChainBelief(
            of: plan.servers.map(\.host),
            await ChainAnswer.read(plan.servers.map(\.host), through: agents)
        )
        guard !belief.links.isEmpty else { return }
        let other: ChainedRun
        // What nobody understands nobody can take over.
        do throws(ChainProblem) { other = try ChainedRun(belief.links) } catch { return }
        switch other.ending {
        case .finished, .withdrawn: return
        case .stopped, nil: break
        }
        let id = other.record.id
        guard id != run, other.history.hasActed, try !journal.runs().contains(where: { $0.record.id == id })
        else {
            return
        }
        throw Complaint(
            "the hosts keep run \(id) of plan \(other.record.plan), which is \(other.history.standing), and this journal does not "
                + "know it: a new run would take its place. Nothing was begun. Go on with that run's journal; or, if it is lost, "
                + "`mitosis takeover \(plan.file)`"
        )
    }

    /// The run's journal from now on; nil when its chain cannot be begun, which is told.
    func begin(
        _ run: RunRecord,
        of plan: MigrationPlan,
        under lease: Lease,
        timing: Timing,
        warn: @escaping @Sendable (String) -> Void
    ) throws(JournalError) -> MirroredJournal? {
        // A chain that was begun has the texts, which the files need not have any more.
        if try journal.chain(of: run.id).isEmpty {
            guard let texts = PlanTexts(of: plan) else {
                warn(
                    "\(plan.file) changed while it was read: a takeover from another machine will not be possible"
                )
                return nil
            }
            try journal.openChain(ChainBeginning(run, planText: texts.plan, inventoryText: texts.inventory))
        }
        let mirror = ChainMirror(
            hosts: plan.servers.map(\.host),
            agents: agents,
            lease: lease,
            timing: timing
        ) { host, remark in warn("\(host): \(remark.sentence)") }
        let mirrored = try MirroredJournal(journal, mirror, of: run.id, warn: warn)
        mirror.start()
        return mirrored
    }
}

extension ChainProgress.Remark {
    var sentence: String {
        switch self {
        case .outdated:
            "its agent is of a version that keeps nothing of a run: it does not count when a run is taken over from another machine"
        case .damaged(let reason): "\(reason); this run's is put in its place"
        case .differs(let head):
            "its agent kept something else of this run (to entry \(head)); the journal's is put in its place"
        case .notKept(let reason): "its agent does not keep what this run does: \(reason)"
        }
    }
}
