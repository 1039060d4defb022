internal import ArgumentParser

struct FaultCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fault",
        abstract: "Set up, divide with a fault in the middle, go on as an operator would, check, take down.",
        discussion: "Exits with 1 when a write was lost, a rule is left, anything else is not as it must be."
    )

    @OptionGroup var options: LabOptions

    @Option(help: "The step, as the coordinator's events name it.")
    var step: String

    @Option(help: "Whether the step has just begun or ended.")
    var moment = FaultCase.Moment.begun

    @Option(help: "The host that is struck.")
    var host: String

    @Option(help: "What strikes it.")
    var kind: FaultCase.Kind

    @Option(help: "What the operator does then, if anything is to be done.")
    var way = FaultCase.Way.forward

    @Option(help: "How the destination joins the source: participants or observers.")
    var strategy = LabConfiguration.Strategy.participants

    @Flag(help: "Leave the lab up afterwards.")
    var keep = false

    @Option(help: "Also write the report as JSON to this file.")
    var json: String?

    func run() async throws {
        let configuration = try LabConfiguration(
            name: options.name,
            directory: options.folder,
            mode: .systemd,
            strategy: strategy
        )
        let fault = FaultCase(step: step, moment: moment, host: host, kind: kind, way: way)
        try fault.check(against: configuration)
        let lab = Lab(configuration, binaries: try Binaries.find(), report: Output.say)
        do {
            try await lab.up()
            let report = try await FaultRun(lab, fault).perform()
            for attempt in report.attempts { Output.say("\(attempt.command): status \(attempt.status)") }
            Output.say(
                "acknowledged \(report.acknowledged), lost \(report.lost), problems \(report.problems.count)"
            )
            for problem in report.problems { Output.say("  \(problem)") }
            if let json { try RecordFile.write(report, at: json) }
            if !keep { try await lab.down() }
            if !report.problems.isEmpty { throw ExitCode(1) }
        } catch let code as ExitCode {
            throw code
        } catch {
            if !keep { try await lab.down() }
            throw error
        }
    }
}

extension FaultCase.Moment: ExpressibleByArgument {}
extension FaultCase.Kind: ExpressibleByArgument {}
extension FaultCase.Way: ExpressibleByArgument {}
