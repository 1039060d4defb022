import ArgumentParser
import ControlProtocol
import FoundationEssentials
import Glibc
import Provisioning
import Settings
import Topology

struct AgentsConfigure: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "configure",
        abstract:
            "Bring every host's agent.yaml to what the inventory or plan makes it, after showing the difference.",
        discussion: """
            What was changed by hand is seen in the difference, and overwritten only after a yes. The agent itself checks the file before it \
            takes its place.
            """
    )

    @OptionGroup var options: AgentsOptions
    @OptionGroup var session: SessionOptions
    @OptionGroup var materials: MaterialOptions
    @Flag(help: "Only show the difference.") var dryRun = false
    @Flag(help: "Write without asking.") var yes = false

    func run() async throws {
        let password = try await session.password()
        let looking = try AgentsWork(
            .configure,
            options,
            session,
            materials,
            isDryRun: true,
            password: password
        )
        let looks = await looking.provisioner.look { _, _ in }
        var agreed: [HostName: String] = [:]
        var isWhole = true
        for host in looking.inventory.hosts {
            switch looks[host.host] {
            case .success(let look):
                let (text, objections) = looking.decision.configuration(look, for: host)
                guard objections.isEmpty, let text else {
                    isWhole = false
                    tell(HostReport(host: host.host, outcome: .refused(objections)))
                    continue
                }
                agreed[host.host] = look.digest(of: .configuration) ?? ""
                tellUnits(look, of: host.host)
                guard look.configuration != text else { continue }
                let difference = ConfigDiff.unified(
                    old: look.configuration ?? [],
                    new: text,
                    path: "\(host.host):\(ProvisionedFile.configuration.path)"
                )
                Output.write(difference, to: options.json ? STDERR_FILENO : STDOUT_FILENO)
            case .failure(let failure):
                isWhole = false
                tell(failure.report)
            case nil: isWhole = false
            }
        }
        guard isWhole else { throw ExitCode(1) }
        if dryRun { return }
        let isAsked = !yes && isatty(STDIN_FILENO) == 1
        if isAsked {
            Output.write("Write these? [y/N] ", to: STDERR_FILENO)
            let answer = readLine() ?? ""
            guard answer == "y" || answer == "yes" else { throw Complaint("nothing was written") }
        } else if !yes {
            throw Complaint("nothing was written: say --yes")
        }
        try await AgentsWork(
            .configure,
            options,
            session,
            materials,
            isDryRun: false,
            agreed: agreed,
            password: password
        ).run("ready", json: options.json)
    }

    /// What is not as the agent.yaml in place wants it; what a new one wants besides is in the difference.
    private func tellUnits(_ look: HostLook, of host: HostName) {
        for path in look.stale {
            Output.write(
                "\(host): \(path) is to be written\n",
                to: options.json ? STDERR_FILENO : STDOUT_FILENO
            )
        }
        for path in look.surplus {
            Output.write(
                "\(host): \(path) is to be removed\n",
                to: options.json ? STDERR_FILENO : STDOUT_FILENO
            )
        }
    }

    private func tell(_ report: HostReport) {
        Output.write((options.json ? ReportText.json(report) : ReportText.line(report, width: 0)) + "\n")
    }
}
