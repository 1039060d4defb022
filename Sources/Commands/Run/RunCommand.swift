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
    @Option(
        help: ArgumentHelp(
            "Go on although the run stopped at a smoke test or a comparison, and keep this reason with it.",
            valueName: "reason"
        )
    )
    var accept: String?

    func validate() throws {
        guard accept?.allSatisfy(\.isWhitespace) != true else {
            throw ValidationError("--accept says why: 'two nodes of a test client, deleted'")
        }
    }

    func run() async throws { try await Conductor(options, accepting: accept).perform(.forward) }
}
