import ArgumentParser
import ControlProtocol
import Fleet
import FoundationEssentials
import Printable
import Reporting
import Settings
import SystemCalls
import Topology

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show what every host's agent observes now."
    )

    @Argument(help: "The plan file.", completion: .file()) var file: String
    @Flag(help: "Print the agents' whole answers as JSON, by host.") var json = false
    @OptionGroup var logging: LogOptions

    func run() async throws {
        let plan = try PlanReader.read(path: file, believing: .operator)
        let fleet = try AgentFleet(plan: plan, log: logging.logger, warn: Output.warn)
        let hosts = plan.agents.map(\.host)
        let answers = await fleet.observe(hosts)
        if json {
            try printJSON(hosts, answers)
        } else {
            Output.write(StatusText(hosts, answers).text)
        }
        if hosts.contains(where: { if case .status = answers[$0] { false } else { true } }) {
            throw ExitCode(1)
        }
    }

    private func printJSON(_ hosts: [HostName], _ answers: [HostName: Observation]) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        var statuses: [String: HostStatus] = [:]
        for host in hosts {
            if case .status(let status) = answers[host] { statuses[host.description] = status }
        }
        Output.write(PrintableText.json(String(decoding: try encoder.encode(statuses), as: UTF8.self)) + "\n")
    }
}
