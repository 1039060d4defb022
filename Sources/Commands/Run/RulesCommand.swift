import ArgumentParser
import ControlProtocol
import Fleet
import Procedure
import Settings
import SystemCalls

struct RulesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rules",
        abstract: "Look at, or clean up, the fleet's netfilter rules.",
        subcommands: [RulesList.self, RulesClean.self]
    )
}

struct RulesList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Print the rules of ours that every host's kernel holds."
    )

    @Argument(help: "The plan file.", completion: .file()) var file: String
    @OptionGroup var logging: LogOptions

    func run() async throws {
        let plan = try PlanReader.read(path: file)
        let fleet = try AgentFleet(plan: plan, log: logging.logger, warn: Output.warn)
        let hosts = plan.servers.map(\.host)
        let answers = await fleet.observe(hosts)
        var isWhole = true
        for host in hosts {
            switch answers[host] {
            case .status(let status):
                Output.write("\(host): \(status.rules.count) rules (\(status.rules.backend.rawValue))\n")
                if !status.rules.listing.isEmpty { Output.write(status.rules.listing + "\n") }
            case .silent(let reason):
                isWhole = false
                Output.write("\(host): no answer: \(reason)\n")
            case nil: isWhole = false
            }
        }
        if !isWhole { throw ExitCode(1) }
    }
}

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
    @OptionGroup var logging: LogOptions

    func run() async throws {
        let plan = try PlanReader.read(path: file)
        let fleet = try AgentFleet(plan: plan, log: logging.logger, warn: Output.warn)
        let cleaning = RuleCleaning(plan: plan, fleet: fleet, timing: .system, force: force)
        let left = try await cleaning.perform { Output.write($0 + "\n") }
        if left > 0 { throw ExitCode(1) }
    }
}
