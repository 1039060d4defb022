import ArgumentParser
import ControlProtocol
import Fleet
import FoundationEssentials
import Glibc
import Journal
import Procedure
import Reporting
import Settings
import SystemCalls

struct TakeoverCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "takeover",
        abstract: "Take a run over from a coordinator whose journal is lost or out of reach.",
        discussion: """
            For another machine than the run's, or one whose journal is gone: the ZooKeeper hosts' agents keep what the run has \
            done, and what a majority of them keeps is believed. After a question every agent is fenced: the old coordinator is \
            refused from then on. The journal is written beside the plan; then the run goes forward, or back, or stays. Where the \
            journal is at hand, `mitosis run --take-over` is what you want.
            """
    )

    enum Way: String, CaseIterable, ExpressibleByArgument {
        case run
        case rollback

        fileprivate var course: Runner.Course {
            switch self {
            case .run: .forward
            case .rollback: .back(to: .untouched)
            }
        }
    }

    @Argument(help: "The plan file of the run.", completion: .file()) var file: String
    @Flag(help: "Do not ask for confirmation.") var yes = false
    @Option(help: "Go on at once: run, or rollback to what was before the run.") var then: Way?
    @Flag(help: "Print one JSON event a line.") var json = false
    @Option(help: "Also append every event, one JSON object a line, to this file.") var events: String?
    @Option(
        help: ArgumentHelp(
            "Where the plan of the hosts' run is written when the plan file is another one; never over a file.",
            valueName: "file"
        ),
        completion: .file()
    )
    var writePlan: String?
    @OptionGroup var logging: LogOptions

    func run() async throws {
        let plan = try PlanReader.read(path: file, believing: .operator)
        StopSignal.install()
        let log = logging.logger
        let fleet = try AgentFleet(plan: plan, log: log, warn: Output.warn)
        let report = try RunOptions.reporter(json: json, events: events)
        let takeover = Takeover(
            plan: plan,
            fleet: fleet,
            agents: fleet,
            timing: .system,
            tell: { text, isWarning in
                let subject = RunEvent.Subject(title: "takeover")
                let what: RunEvent.What =
                    isWarning ? .warning(subject, message: text) : .stepProgress(subject, message: text)
                report(RunEvent(what, at: Timing.system.now(), run: ""))
            },
            stopRequest: { StopSignal.request }
        )
        let exists = FileManager.default.fileExists(atPath: plan.journalPath)
        let found = exists ? try SQLiteJournal(path: plan.journalPath, exclusively: true) : nil
        let (known, links) = try await takeover.believed(planTo: writePlan)
        if let found { try Takeover.refuseKnown(known.record.id, in: found, of: plan) }
        try Takeover.refuseEnded(known)
        await takeover.show(known)
        report(
            RunEvent(
                .confirmationNeeded(nil, question: Takeover.question(known)),
                at: Timing.system.now(),
                run: known.record.id.description
            )
        )
        guard await confirmed() else { throw Complaint("not confirmed; nothing was changed") }
        let (run, journal) = try await takeover.perform(
            into: { try found ?? SQLiteJournal(path: plan.journalPath, exclusively: true) },
            after: links
        )
        let standing = run.history.standing
        guard let way = try await wayOn(standing) else {
            Output.write(
                "run \(run.record.id) is in \(plan.journalPath). It is \(standing): \(standing.advice).\n"
            )
            return
        }
        let credentials = try EnsembleCredentials.read(of: plan, believing: .operator)
        let ensembles = ProvingEnsembles(credentials: credentials, log: log)
        let conductor = Conductor(
            plan: plan,
            takeOver: false,
            acceptance: nil,
            fleet: fleet,
            ensembles: ensembles,
            journal: journal,
            mirroring: Mirroring(journal: journal, agents: fleet),
            companions: Companions(plan, fleet: fleet, credentials: credentials, timing: .system, log: log),
            timing: .system,
            report: report,
            confirm: { _ in await confirmed() },
            stopRequest: { StopSignal.request },
            close: { await ensembles.close() },
            tellsPlace: true
        )
        try await conductor.perform(way.course)
    }

    /// Asked at a terminal only; nil is to stop here.
    private func wayOn(_ standing: Standing) async throws -> Way? {
        if let then { return then }
        guard !json, Output.isTerminal, isatty(STDIN_FILENO) == 1 else { return nil }
        Output.write(
            "It is \(standing): \(standing.advice).\nType run or rollback to go on, anything else to stop here: "
        )
        let answer = await AnswerReader(input: STDIN_FILENO, stop: StopSignal.descriptor).line()
        return answer.flatMap(Way.init(rawValue:))
    }

    private func confirmed() async -> Bool {
        if yes { return true }
        if !json { Output.write("Type yes to go on: ") }
        return await AnswerReader(input: STDIN_FILENO, stop: StopSignal.descriptor).line() == "yes"
    }
}
