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
    /// A run that has not ended, as its journal says, under the epoch of who performed it last.
    private struct UnderWay: Hashable {
        let run: RunID
        let epoch: FencingEpoch
    }

    private struct State {
        var board: LiveBoard
        var journal: JournalWatch?
        /// The journal's; nil before it was read, and once it is not the one that counts.
        var run: RunID?
        /// The number of the next event.
        var next = 0
        /// What the last look says of leases.
        var leases: LeasesSeen?
        /// Whether the run goes on elsewhere, under another journal: after a takeover this one knows less than agents do.
        var isElsewhere = false
        /// By the journal as it is now, and as it was when the last look had come.
        var underWay: UnderWay?
        var underWayBefore: UnderWay?
        /// What the journal had under way before the last look, which found no lease of it anywhere.
        var unheld: UnderWay?
        /// The last of which it was told that nobody performs it.
        var toldOf: UnderWay?
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
        await looks.work(timing: timing) {
            self.state.withLock { $0.board.isWithinWindow }
        } seen: { look in
            self.take(look)
        }
    }

    /// Looks once.
    func look() async {
        // A run that is cut off shows between two readings.
        readJournal()
        state.withLock { $0.underWayBefore = $0.underWay }
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
        let leases = LeasesSeen(look, plan: plan.name)
        state.withLock { state in
            state.leases = leases
            state.unheld = state.underWayBefore.flatMap {
                leases.isComplete && !leases.runs.contains($0.run) ? $0 : nil
            }
            state.underWayBefore = state.underWay
            // The journal knows better.
            if state.run == nil { Self.place(leases, on: &state.board, now) }
            state.board.take(look, at: now)
        }
    }

    private static func place(_ leases: LeasesSeen, on board: inout LiveBoard, _ now: Int64) {
        if let latest = leases.latest, let lease = latest.current {
            if let place = latest.place {
                board.take(place, of: lease, since: latest.since)
            } else {
                board.takeUnplaced(lease, since: latest.since)
            }
        } else if board.isUnderWay, leases.isComplete {
            board.endUnseen(at: now)
        }
    }

    /// What the run's own journal has of it since the last time; a journal that cannot be read keeps nobody from watching.
    private func readJournal() {
        guard FileManager.default.fileExists(atPath: plan.journalPath) else { return }
        let now = timing.now()
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
                if let leases = state.leases, leases.isBeyond(seen) {
                    // What is known of the same run stays known.
                    if let known = state.run, known != leases.latest?.current?.runID { clear(&state) }
                    (state.isElsewhere, state.run) = (true, nil)
                    Self.place(leases, on: &state.board, now)
                    return
                }
                if state.run != seen.run {
                    clear(&state)
                    (state.run, state.next) = (seen.run, 0)
                }
                if let window = seen.facts.window { state.board.take(window) }
                for kept in try journal.events(of: seen.run, from: state.next) {
                    state.board.take(kept.event)
                    state.next = kept.number + 1
                }
                // It goes on, whatever it told when it stopped before.
                if seen.ending == nil { state.board.goOn() }
                if state.next == 0 { state.board.takeRun(seen.run, at: now) }
                Self.noteWhetherHeld(seen, &state)
            } catch {
                if !state.isTold { state.board.warn("\(error)") }
                state.isTold = true
            }
        }
    }

    private func clear(_ state: inout State) {
        let answers = state.board
        state.board = LiveBoard(plan)
        state.board.takeHosts(of: answers)
    }

    /// A run that has told anything has its leases until its journal has its end.
    private static func noteWhetherHeld(_ seen: JournalWatch.Seen, _ state: inout State) {
        let isUnderWay = seen.ending == nil && state.next > 0
        state.underWay = isUnderWay ? UnderWay(run: seen.run, epoch: seen.epoch) : nil
        guard let underWay = state.underWay, underWay == state.unheld, underWay != state.toldOf else {
            return
        }
        state.board.warn("no agent holds a lease of this run: its coordinator may be gone")
        state.toldOf = underWay
    }
}
