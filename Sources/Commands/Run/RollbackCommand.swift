import ArgumentParser
import Procedure
import Settings

struct RollbackCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollback",
        abstract: "Take a division back to the joint ensemble, before the destination has a leader.",
        discussion: """
            Possible from the detaching of the first destination node until the destination's first leader serves (the point \
            of no return). Every acknowledged write is in the joint ensemble; afterwards `mitosis run` divides anew. A \
            rollback that stopped is continued by the same command.
            """
    )

    @OptionGroup var options: RunOptions

    func run() async throws {
        let conductor = try Conductor(options)
        try await conductor.perform(.back) { epoch in
            guard let (run, history) = try conductor.unfinished(epoch) else {
                throw Complaint(
                    "plan \(conductor.plan.name) has no unfinished run that changed anything: nothing is to be taken back"
                )
            }
            switch history.standing {
            case .dividing, .rollingBack: return run
            case .untouched, .joining, .joint, .divided, .apart:
                throw Complaint(
                    "run \(run.id) is \(history.standing), not dividing: \(history.standing.advice)"
                )
            }
        }
    }
}
