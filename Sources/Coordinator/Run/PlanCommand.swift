import ArgumentParser
import ControlProtocol
import Planning
import Procedure

struct PlanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Show every step, exact configuration diffs and exact rules. Changes nothing."
    )

    @Argument(help: "The plan file.") var file: String

    func run() async throws {
        let plan = try PlanReader.read(path: file)
        let fleet = try AgentFleet(plan: plan)
        let survey = try await Survey.take(of: plan, through: fleet)
        var rules: [HostName: RulesPreview] = [:]
        for server in plan.destination {
            rules[server.host] = try await fleet.preview(plan.wall(for: server), on: server.host)
        }
        Output.write(PlanText(plan: plan, survey: survey).text(rules: rules) + "\n")
    }
}
