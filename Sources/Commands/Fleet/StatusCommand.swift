import ArgumentParser
import ControlProtocol
import Fleet
import FoundationEssentials
import Journal
import Printable
import Procedure
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
            if let plan = choice.file.plan { tellRun(of: plan, answers) }
        }
        if hosts.contains(where: { if case .status = answers[$0] { false } else { true } }) {
            throw ExitCode(1)
        }
    }

    /// What the journal says of the plan's latest run; a journal that cannot be read keeps nobody from seeing hosts.
    private func tellRun(of plan: MigrationPlan, _ answers: [HostName: Observation]) {
        guard FileManager.default.fileExists(atPath: plan.journalPath) else { return }
        do throws(JournalError) {
            let journal = try SQLiteJournal(path: plan.journalPath, exclusively: false)
            guard let (run, ending, _) = try journal.runs().first(where: { $0.record.plan == plan.name })
            else { return }
            let standing = HistoryText.standing(RunHistory(try journal.entries(of: run.id)), ending)
            Output.write("\n" + HistoryText.head(run, ending) + standing)
            let lists = ShortLists(plan, run.facts, hosts: answers).lines
            Output.write(lists.map { PrintableText($0).description + "\n" }.joined())
        } catch {
            Output.warn("\(error)")
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
