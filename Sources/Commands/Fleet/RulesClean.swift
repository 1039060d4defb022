import ArgumentParser
import Fleet
import Journal
import Settings
import SystemCalls

struct RulesClean: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "clean",
        abstract: "Remove every rule of ours from every host, whoever left it there.",
        discussion: """
            Refused while a run of this plan has not finished: between the split and the return of the source, \
            removing the rules joins the two ensembles again. --force overrides that.
            """
    )

    @Argument(help: "The plan file.", completion: .file()) var file: String
    @Flag(help: "Even though a run has not finished.") var force = false
    @OptionGroup var handMade: HandMadeOptions
    @OptionGroup var logging: LogOptions

    func run() async throws {
        let plan = try PlanReader.read(path: file, believing: .operator)
        let fleet = try AgentFleet(plan: plan, log: logging.logger, warn: Output.warn)
        let journal = try SQLiteJournal(path: plan.journalPath, exclusively: true)
        let cleaning = RuleCleaning(
            plan: plan,
            fleet: fleet,
            journal: journal,
            timing: .system,
            force: force
        )
        let say: (String) -> Void = { Output.write($0 + "\n") }
        let left =
            if let request = handMade.request {
                try await cleaning.perform(request, say: say)
            } else {
                try await cleaning.perform(say: say)
            }
        if left > 0 { throw ExitCode(1) }
    }
}
