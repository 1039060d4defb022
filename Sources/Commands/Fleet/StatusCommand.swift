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

    @OptionGroup var fleet: FleetOptions
    @Flag(help: "Print the agents' whole answers as JSON, by host.") var json = false

    func run() async throws {
        let choice = try fleet.choice()
        let agents = try choice.agents(fleet.logging.logger)
        let hosts = choice.hosts
        var answers: [HostName: Observation] = [:]
        await agents.look(at: hosts) { answers[$0] = $1 }
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
