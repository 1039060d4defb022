import ArgumentParser
import Procedure

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

    func run() async throws { try await Conductor(options).perform(.forward) }
}
