import ArgumentParser
import Procedure

struct RollbackCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollback",
        abstract: "Take a run back, to what was before it or to the joint ensemble.",
        discussion: """
            Possible until the destination's first leader serves (the point of no return). A division without a leader goes \
            back to the joint ensemble first, unasked; `mitosis run` may divide it anew. From there all goes back to what was \
            before the run, after a question: brokers to the source, seeds stopped, files and views restored, data moved \
            aside, proven by the checks of the preflight; then `mitosis run` begins anew. A rollback that stopped is continued \
            by the same command. It goes by the plan that the run began with, also when the file was changed since, and says so.
            """
    )

    @OptionGroup var options: RunOptions
    @Option(help: "Where the way back ends: the joint ensemble, or what was before the run.")
    var to = Runner.Goal.untouched

    func run() async throws {
        try await Conductor(options, goesBack: true).perform(.back(to: to))
    }
}

extension Runner.Goal: ExpressibleByArgument {}
