import ArgumentParser
import ControlProtocol
import Fleet
import FoundationEssentials
import Procedure
import Settings
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
        let plan = try PlanReader.read(path: file)
        let fleet = try AgentFleet(plan: plan, log: logging.logger, warn: Output.warn)
        let hosts = plan.agents.map(\.host)
        let answers = await fleet.observe(hosts)
        if json {
            try printJSON(hosts, answers)
        } else {
            Output.write(
                Self.columns(["host", "service", "role", "zxid", "conns", "nodes", "view", "rules", "lease"])
            )
            for host in hosts { Output.write(Self.row(host, answers[host])) }
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
        Output.write(String(decoding: try encoder.encode(statuses), as: UTF8.self) + "\n")
    }

    private static func row(_ host: HostName, _ answer: Observation?) -> String {
        guard case .status(let status) = answer else {
            if case .silent(let reason) = answer { return "\(host)  no answer: \(reason)\n" }
            return "\(host)  no answer\n"
        }
        guard let zookeeper = status.zookeeper else {
            let services = status.services.map { "\($0.name) \(word($0.state))" }
            return columns([
                host.description, services.isEmpty ? "none" : services.joined(separator: ", "), "", "", "",
                "", "",
                "\(status.rules.count)", status.lease.current?.runID.description ?? "-",
            ])
        }
        let role =
            switch zookeeper.serving {
            case .yes(let stats): stats.role.rawValue
            case .looking: "looking"
            case .unreachable: "-"
            }
        let view = zookeeper.runningView.map { view in
            view.map(\.id).sorted().map(\.description).joined(separator: ",")
        }
        return columns([
            host.description, word(zookeeper.state), role,
            (zookeeper.stats?.zxid ?? zookeeper.data.lastZxid)?.description ?? "-",
            zookeeper.stats.map { "\($0.connections)" } ?? "-",
            zookeeper.stats.map { "\($0.nodeCount)" } ?? "-",
            view ?? "-", "\(status.rules.count)", status.lease.current?.runID.description ?? "-",
        ])
    }

    private static func word(_ state: ServiceState) -> String {
        switch state {
        case .running(let pid): "pid \(pid)"
        case .changing: "changing"
        case .stopped: "stopped"
        case .failed: "failed"
        }
    }

    private static func columns(_ cells: [String]) -> String {
        let widths = [14, 12, 10, 14, 7, 8, 14, 6, 0]
        return zip(cells, widths)
            .map { cell, width in cell + String(repeating: " ", count: max(1, width - cell.count)) }
            .joined() + "\n"
    }
}
