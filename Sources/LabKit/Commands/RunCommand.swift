internal import ArgumentParser
private import Glibc

struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Set up, divide the ensemble under writing clients, check every write, take down.",
        discussion:
            "Exits with 1 when a write was lost, a rule is left or anything else is not as it must be."
    )

    @OptionGroup var options: LabOptions
    @OptionGroup var size: SizeOptions

    @Flag(help: "Leave the lab up afterwards.")
    var keep = false

    @Option(help: "Also write the summary as JSON to this file.")
    var json: String?

    @Option(help: "For how many seconds the clients go on after the division.")
    var settle = 5

    @Option(
        help: "Divide with this program in place of mitosis; it gets the lab's folder as its argument.",
        completion: .file()
    )
    var procedure: String?

    func validate() throws {
        guard size.agents else { throw ValidationError("a division needs agents: leave --no-agents out") }
        guard (0...600).contains(settle) else { throw ValidationError("--settle is from 0 to 600") }
    }

    func run() async throws {
        let lab = try await size.bringUp(options)
        // Ctrl-C reaches the coordinator, which stops at its next resting place; then the lab is checked
        // and taken down as ever.
        signal(SIGINT, SIG_IGN)
        do {
            let summary = try await LabRun(lab, settle: .seconds(settle), procedure: procedure).perform()
            for line in summary.lines { Output.say(line) }
            if let json { try RecordFile.write(summary, at: json) }
            try await finish(lab)
            if !summary.isClean { throw ExitCode(1) }
        } catch let code as ExitCode {
            throw code
        } catch {
            try await finish(lab)
            throw error
        }
    }

    private func finish(_ lab: Lab) async throws {
        if keep {
            Output.say("The lab is still up: mitosis-lab status|down --name \(lab.configuration.name)")
        } else {
            try await lab.down()
        }
    }
}
