import ArgumentParser
import Fleet
import Journal
import Provisioning
import Reporting
import Settings
import SystemCalls

struct RulesClean: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "clean",
        abstract: "Remove every rule of ours from every host, whoever left it there.",
        discussion: """
            Each host is judged by itself; its kernel, read afterwards, decides whether it is clean. A host is refused that \
            a run is at work on or has not finished with, or when its own or a walled peer's ZooKeeper names both sides or \
            cannot be looked at: without the rules two ensembles could join again. With a plan, its journal counts too. \
            --force overrides all of that.

            Hosts out of reach are tried again for 20 s, with --until-clean until they are clean or refused; Ctrl-C ends \
            that. Ends with 0 only when every host is proven clean.

            --ssh goes round agents that do not run or do not answer: their hosts are looked at, judged and cleaned by \
            `mitosis-agent rules list|clean --local`, over the system's ssh and under the same refusals.
            """
    )

    @OptionGroup var fleet: FleetOptions
    @OptionGroup var handMade: HandMadeOptions
    @Flag(help: "Whatever speaks against it, also while a run is at work there.") var force = false
    @Flag(help: "Keep at hosts that are out of reach or not clean yet.") var untilClean = false
    @Flag(help: "Where an agent does not answer, go over ssh.") var ssh = false
    @Flag(help: "With --ssh: ask once for the password that sudo wants on the hosts.") var askSudoPassword =
        false
    @Flag(help: "Print one JSON object a line: each host, then the sum.") var json = false

    func validate() throws {
        guard !(ssh && handMade.request != nil) else {
            throw ValidationError(
                "--ssh and --hand-made do not go together: on a host whose agent does not answer, run "
                    + "`mitosis-agent rules clean --local --hand-made --addresses ...` as root"
            )
        }
        guard ssh || !askSudoPassword else {
            throw ValidationError("--ask-sudo-password goes with --ssh")
        }
    }

    func run() async throws {
        let choice = try fleet.choice()
        let agentless = try await agentless(choice)
        let reports = HandMadeReports()
        StopSignal.install()
        let cleaning = RuleCleaning(
            choice: choice,
            fleet: try choice.agents(fleet.logging.logger),
            journal: try choice.file.plan.map { try SQLiteJournal(path: $0.journalPath, exclusively: true) },
            timing: .system,
            force: force,
            untilClean: untilClean,
            agentless: agentless,
            aim: handMade.request.map { .handMade($0, reports) } ?? .ours
        )
        if force { Output.warn(RuleCleaning.risk) }
        let text = CleaningText(json: json)
        let board = try await cleaning.perform(stop: StopSignal.asked()) { action in
            if let line = text.line(action, reports) { Output.write(line) }
        }
        Output.write(text.end(board))
        if !RuleCleaning.isClean(board) { throw ExitCode(1) }
    }

    private func agentless(_ choice: FleetChoice) async throws -> (any AgentlessCleaning)? {
        guard ssh else { return nil }
        let password = askSudoPassword ? try await HiddenAnswer.sudoPassword() : nil
        return RulesOverSSH(choice.file.inventory, password: password)
    }
}
