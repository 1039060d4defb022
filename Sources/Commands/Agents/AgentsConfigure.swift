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
            takes its place. A host that does not answer, or refuses, is named and left out; the others are written all the same, \
            and the end is 1.
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
        var agreed = AgreedHosts()
        for host in looking.inventory.hosts {
            switch looks[host.host] {
            case .success(let look):
                let (text, objections) = looking.decision.configuration(look, for: host)
                guard objections.isEmpty, let text else {
                    agreed.leaveOut(host.host)
                    tell(HostReport(host: host.host, outcome: .refused(objections)))
                    continue
                }
                agreed.agree(host.host, over: look.digest(of: .configuration))
                tellUnits(look, of: host.host)
                guard look.configuration != text else { continue }
                let difference = ConfigDiff.unified(
                    old: look.configuration ?? [],
                    new: text,
                    path: "\(host.host):\(ProvisionedFile.configuration.path)"
                )
                Output.write(difference, to: options.json ? STDERR_FILENO : STDOUT_FILENO)
            case .failure(let failure):
                agreed.leaveOut(host.host)
                tell(failure.report)
            case nil: agreed.leaveOut(host.host)
            }
        }
        if dryRun || agreed.hosts.isEmpty {
            guard agreed.leftOut.isEmpty else { throw ExitCode(1) }
            return
        }
        let isAsked = !yes && isatty(STDIN_FILENO) == 1
        if isAsked {
            Output.write(agreed.question, to: STDERR_FILENO)
            let answer = readLine() ?? ""
            guard answer == "y" || answer == "yes" else { throw Complaint("nothing was written") }
        } else if !yes {
            throw Complaint("nothing was written: say --yes")
        }
        let writing = try AgentsWork(
            .configure,
            options,
            session,
            materials,
            isDryRun: false,
            agreed: agreed,
            password: password
        )
        // Last of all, whatever comes of the others.
        defer { if let omission = agreed.omission { Output.warn(omission) } }
        try await writing.run("ready", json: options.json)
        guard agreed.leftOut.isEmpty else { throw ExitCode(1) }
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
