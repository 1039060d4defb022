import ArgumentParser
import Procedure

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

    func run() async throws { try await Conductor(options).perform(.back) }
}
