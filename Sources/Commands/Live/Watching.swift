import ControlProtocol
import Fleet
import FoundationEssentials
import Journal
import Procedure
import Reporting
import Settings
import Synchronization
import SystemCalls

/// A run as it is seen from beside it: by its hosts, and by its journal where that is on this machine, else by what agents
/// were told of its place.
final class Watching: Sendable {
    private struct State {
        var board: LiveBoard
        var journal: JournalWatch?
        var run: RunID?
        /// The number of the next event.
        var next = 0
        /// Whether the run goes on elsewhere, under another journal: after a takeover this one knows less than agents do.
        var isElsewhere = false
        /// Whether a journal that cannot be read was told of.
        var isTold = false
    }

    private let plan: MigrationPlan
    private let looks: LiveLooks
    private let timing: Timing
    private let state: Mutex<State>

    init(_ plan: MigrationPlan, through fleet: any Fleet, timing: Timing = .system) {
        self.plan = plan
        looks = LiveLooks(hosts: plan.agents.map(\.host), fleet: fleet)
        self.timing = timing
        state = Mutex(State(board: LiveBoard(plan)))
    }

    var board: LiveBoard { state.withLock { $0.board } }

    /// Until it is cancelled.
    func work() async {
        // What agents say decides whether the journal here is the run's.
        take(await looks.look())
        async let _: Void = followJournal()
        await looks.work(timing: timing) { look in self.take(look) }
    }

    /// Looks once.
    func look() async {
        take(await looks.look())
        readJournal()
    }

    private func followJournal() async {
        while !Task.isCancelled {
            readJournal()
            await timing.sleep(.seconds(1))
        }
    }

    func take(_ look: [HostName: Observation]) {
        let now = timing.now()
        state.withLock { state in
            let (best, isComplete) = Self.latestLease(look, plan.name)
            if Self.isBeyond(best, state) {
                (state.isElsewhere, state.run) = (true, nil)
            }
            // The journal knows better.
            if state.run == nil { Self.place(best, isComplete, &state.board, now) }
            state.board.take(look, at: now)
        }
    }

    /// Whether agents know of a run that the journal here does not know, or has seen to end before.
    private static func isBeyond(_ best: LeaseState?, _ state: State) -> Bool {
        guard let known = state.run, let lease = best?.current, let place = best?.place else { return false }
        if lease.runID != known { return true }
        return state.board.endedAt.map { $0 < place.since } ?? false
    }

    /// What agents were told last of a run of this plan whose lease is in force, and whether all agents have answered.
    private static func latestLease(
        _ look: [HostName: Observation],
        _ plan: String
    ) -> (best: LeaseState?, isComplete: Bool) {
        var (best, answered): (LeaseState?, Int) = (nil, 0)
        for observation in look.values {
            guard case .status(let status) = observation else { continue }
            answered += 1
            guard let lease = status.lease.current, (status.lease.expiresAt ?? 0) > status.clock,
                lease.runID.description.drop(while: \.isNumber) == "-\(plan)"
            else { continue }
            if Self.isNewer(status.lease, than: best) { best = status.lease }
        }
        return (best, answered == look.count)
    }

    private static func place(
        _ best: LeaseState?,
        _ isComplete: Bool,
        _ board: inout LiveBoard,
        _ now: Int64
    ) {
        if let best, let lease = best.current {
            if let place = best.place {
                board.take(place, of: lease, since: best.since)
            } else {
                board.takeUnplaced(lease, since: best.since)
            }
        } else if board.isUnderWay, isComplete {
            board.endUnseen(at: now)
        }
    }

    private static func isNewer(_ lease: LeaseState, than other: LeaseState?) -> Bool {
        guard let other else { return true }
        let (own, its) = (lease.current?.epoch ?? FencingEpoch(0), other.current?.epoch ?? FencingEpoch(0))
        if own != its { return own > its }
        return (lease.place?.since ?? .min) > (other.place?.since ?? .min)
    }

    /// What the run's own journal has of it since the last time; a journal that cannot be read keeps nobody from watching.
    private func readJournal() {
        guard FileManager.default.fileExists(atPath: plan.journalPath) else { return }
        state.withLock { state in
            guard !state.isElsewhere else { return }
            do throws(JournalError) {
                let journal: JournalWatch
                if let known = state.journal {
                    journal = known
                } else {
                    journal = try JournalWatch(path: plan.journalPath)
                    state.journal = journal
                }
                guard let seen = try journal.newestRun(plan: plan.name) else { return }
                if state.run != seen.run {
                    let answers = state.board
                    state.board = LiveBoard(plan)
                    state.board.takeHosts(of: answers)
                    (state.run, state.next) = (seen.run, 0)
                }
                if let window = seen.facts.window { state.board.take(window) }
                for kept in try journal.events(of: seen.run, from: state.next) {
                    state.board.take(kept.event)
                    state.next = kept.number + 1
                }
                // It goes on, whatever it told when it stopped before.
                if seen.ending == nil { state.board.goOn() }
                if state.next == 0 { state.board.takeRun(seen.run, at: timing.now()) }
            } catch {
                if !state.isTold { state.board.warn("\(error)") }
                state.isTold = true
            }
        }
    }
}
