import ArgumentParser
import ControlProtocol
import Fleet
import Settings

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
