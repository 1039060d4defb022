import ArgumentParser
import ControlProtocol
import Fleet
import Reporting

struct RulesList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Print the rules of ours that every host's kernel holds.",
        discussion: """
            Every backend of a host is read, in both address families, whether or not its agent remembers the rules. Hosts \
            are told of as they answer. Ends with 1 when the rules of a host are not known; with --hand-made also when one has any.
            """
    )

    @OptionGroup var fleet: FleetOptions
    @OptionGroup var handMade: HandMadeOptions
    @Flag(help: "Print one JSON object a line: each host, then the sum.") var json = false

    func run() async throws {
        let choice = try fleet.choice()
        let agents = try choice.agents(fleet.logging.logger)
        if let request = handMade.request {
            let isClean = await request.list(on: choice.hosts, of: agents, json: json) { Output.write($0) }
            if !isClean { throw ExitCode(1) }
            return
        }
        var text = RulesText(json: json)
        await agents.look(at: choice.hosts) { host, answer in Output.write(text.told(host, answer)) }
        Output.write(text.end())
        if !text.isWhole { throw ExitCode(1) }
    }
}
