import ArgumentParser
import ControlProtocol
import Journal
import Procedure
import Settings
import SystemCalls

struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Perform the migration, or go on with one that stopped.",
        discussion: """
            Every step is written to the journal before and after. Ctrl-C stops at the next resting place, twice at \
            once; `mitosis run` with the same plan file goes on from there.
            """
    )

    @OptionGroup var options: RunOptions

    func run() async throws {
        let conductor = try Conductor(options)
        try await conductor.perform(.forward) { epoch in try await prepare(conductor, epoch) }
    }

    /// Goes on with an unfinished run that has changed something; begins a new one otherwise.
    private func prepare(_ conductor: Conductor, _ epoch: FencingEpoch) async throws -> RunRecord {
        let plan = conductor.plan
        if let (run, history) = try conductor.unfinished(epoch) {
            guard !history.isOnTheWayBack else {
                throw Complaint(
                    "run \(run.id) is on the way back to the joint ensemble; let `mitosis rollback \(options.file)` "
                        + "come to its end first"
                )
            }
            return run
        }
        if let last = try conductor.journal.runs().first(where: { $0.record.plan == plan.name }),
            last.ending == .finished
        {
            throw Complaint(
                "run \(last.record.id) of plan \(plan.name) has finished, nothing is left to do; "
                    + "another migration needs a plan with another name"
            )
        }
        let started = conductor.timing.now()
        let name = "\(started)-\(plan.name)"
        guard let id = RunID(name) else { throw Complaint("\(options.file): '\(plan.name)' gives no run id") }
        let run = RunRecord(
            id: id,
            plan: plan.name,
            planDigest: plan.digest,
            startedAt: started,
            survey: await Survey.take(of: plan, through: conductor.fleet),
            epoch: epoch
        )
        try conductor.journal.begin(run)
        return run
    }
}
