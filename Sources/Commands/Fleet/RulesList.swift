import ArgumentParser
import ControlProtocol
import Fleet
import Reporting
import Settings
import SystemCalls

struct RulesList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Print the rules of ours that every host's kernel holds."
    )

    @Argument(help: "The plan file.", completion: .file()) var file: String
    @OptionGroup var handMade: HandMadeOptions
    @OptionGroup var logging: LogOptions

    func run() async throws {
        let plan = try PlanReader.read(path: file, believing: .operator)
        let fleet = try AgentFleet(plan: plan, log: logging.logger, warn: Output.warn)
        let hosts = plan.servers.map(\.host)
        if let request = handMade.request {
            let left = await request.list(on: hosts, of: fleet) { Output.write($0 + "\n") }
            if left > 0 { throw ExitCode(1) }
            return
        }
        let answers = await fleet.observe(hosts)
        var isWhole = true
        for host in hosts {
            Output.write(RulesText.text(host, answers[host]))
            if case .status = answers[host] { continue }
            isWhole = false
        }
        if !isWhole { throw ExitCode(1) }
    }
}
