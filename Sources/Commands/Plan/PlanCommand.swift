import ArgumentParser
import ControlProtocol
import Fleet
import Procedure
import Reporting
import Settings
import SystemCalls

struct PlanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Show every step, exact configuration diffs and exact rules. Changes nothing."
    )

    @Argument(help: "The plan file.", completion: .file()) var file: String
    @OptionGroup var logging: LogOptions

    func run() async throws {
        let plan = try PlanReader.read(path: file, believing: .operator)
        let fleet = try AgentFleet(plan: plan, log: logging.logger, warn: Output.warn)
        let survey = await Survey.take(of: plan, through: fleet)
        let walls = plan.destination.map { ($0.host, [plan.wall(for: $0)]) }
        let answers = await fleet.previews(of: Dictionary(walls) { first, _ in first })
            .compactMapValues(\.values.first)
        let rules = answers.compactMapValues(\.accepted)
        // Asks who is connected, and opens no session.
        let ensembles = ProvingEnsembles(credentials: [], log: logging.logger)
        let outlook = await SurveyedPlan(plan: plan, survey: survey).outlook(through: fleet, ensembles)
        await ensembles.close()
        Output.write(PlanText(plan: plan, survey: survey).text(rules: rules, outlook: outlook) + "\n")
        let missing =
            survey.allUnread.map { "\($0.host): \($0.path): \($0.reason)" }
            + plan.destination.compactMap { answers[$0.host]?.failure }
        guard missing.isEmpty else {
            throw Complaint(
                "the plan above is not complete; `mitosis preflight \(file)` says more:\n"
                    + missing.joined(separator: "\n")
            )
        }
    }
}

extension PreviewAnswer {
    fileprivate var accepted: RulesPreview? {
        switch self {
        case .accepted(let preview): preview
        case .failed: nil
        }
    }

    fileprivate var failure: String? {
        switch self {
        case .accepted: nil
        case .failed(let error): "\(error)"
        }
    }
}
