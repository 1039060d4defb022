import ControlProtocol
import Fleet
import Journal
import Procedure
import Settings
import SystemCalls

/// Cleans hosts of our rules, or of those that somebody made by hand, unless a plan's journal or what runs on them speaks against it.
struct RuleCleaning {
    static let risk =
        "--force: rules go even where a run may need them. Without them the two halves of a divided ensemble can join "
        + "again, and what one of them has acknowledged since can be lost; a run at work on a host loses its lease there"

    let choice: FleetChoice
    let fleet: any Fleet
    /// Nil without a plan.
    let journal: (any RunArchive)?
    let timing: Timing
    let force: Bool
    var untilClean = false
    /// For hosts whose agents do not answer.
    var agentless: (any AgentlessCleaning)? = nil
    var aim = CleaningAim.ours
    var jitter: @Sendable () -> Double = { Double.random(in: 0..<1) }

    /// - Parameter stop: an element asks to begin nothing new.
    func perform(stop: AsyncStream<Void>, tell: (CleaningBoard.Action) -> Void) async throws -> CleaningBoard
    {
        if !force, let plan = choice.file.plan, let journal { try refuseUnfinished(plan, journal) }
        let run = try runID()
        let board = CleaningBoard(
            hosts: choice.hosts,
            grounds: CleaningGrounds(choice.file),
            force: force,
            patience: untilClean ? .untilClean : .once,
            jitter: jitter
        )
        return await FleetCleaning(
            fleet: fleet,
            timing: timing,
            run: run,
            force: force,
            agentless: agentless,
            aim: aim
        )
        .perform(board, stop: stop, tell: tell)
    }

    static func isClean(_ board: CleaningBoard) -> Bool {
        let outcomes = board.outcomes
        return board.hosts.allSatisfy { host in
            switch outcomes[host] {
            case .clean: true
            case .refused, .unreachable, .failed, .stopped, nil: false
            }
        }
    }

    private func runID() throws -> RunID {
        let name = choice.file.inventory.name
        guard let run = RunID.cleaning("clean", of: name, at: timing.now()) else {
            throw Complaint("\(choice.file.inventory.file): '\(name)' gives no run id")
        }
        return run
    }

    private func refuseUnfinished(_ plan: MigrationPlan, _ journal: any RunArchive) throws {
        for run in try journal.runs() where run.record.plan == plan.name && run.ending != .finished {
            let history = RunHistory(try journal.entries(of: run.record.id))
            guard history.standing != .withdrawing else {
                throw Complaint(
                    "run \(run.record.id) is on the way back to what was before it; go on with `mitosis rollback`, which removes "
                        + "its rules. --force removes them nevertheless: a seed that starts by accident may then vote"
                )
            }
            guard !history.passed.contains(.divisionBegan) else {
                throw Complaint(
                    "run \(run.record.id) has divided the ensemble and has not finished; go on with `mitosis run`. "
                        + "--force removes the rules nevertheless: the two sides may then join again"
                )
            }
        }
    }
}
