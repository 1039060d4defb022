import ArgumentParser
import ControlProtocol
import FoundationEssentials
import Journal
import Logging
import Logs
import Procedure
import Rehearsals
import Reporting
import Settings
import SystemCalls

struct ReportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Draw up what became of a run, as a page or as JSON, from its journal alone.",
        discussion: """
            Also while the run is under way: the journal is only read. Without --html and --json the summary is printed. The page is one \
            file that loads nothing and runs no script; it holds host names, addresses and configuration, secrets hidden. \
            docs/report.md describes its parts and the JSON's fields.
            """
    )

    @Argument(help: "The plan file.", completion: .file()) var file: String
    @Option(help: "Write the report as a page to this file.", completion: .file(extensions: ["html"]))
    var html: String?
    @Flag(help: "Print the report as one JSON document.") var json = false
    @Option(help: ArgumentHelp("Which run, as `history` names it (default: the newest).", valueName: "id"))
    var run: String?
    @Flag(help: "Replace the file of --html even if it is no report.") var force = false
    @Option(
        help: "What `mitosis-lab rehearse` has written of a rehearsal; it becomes a part of the report.",
        completion: .file(extensions: ["json"])
    )
    var rehearsal: String?
    @OptionGroup var logging: LogOptions

    func validate() throws {
        if force, html == nil { throw ValidationError("--force replaces the file of --html: give one") }
    }

    func run() async throws {
        let report = try rehearsal.map { try drawnUp().of(Self.outcome($0)) } ?? drawnUp()
        if let html {
            try ReportFile(path: html).write(ReportPage(report).html, force: force)
            if !json { Output.write("\(html): report of run \(report.run)\n") }
        }
        if json { Output.write(try report.json()) }
        if html == nil, !json { Output.write(report.text) }
    }

    private static func outcome(_ path: String) throws -> RehearsalOutcome {
        let bytes: [UInt8]
        do throws(BoundedFile.Failure) {
            bytes = try BoundedFile(reading: path, limit: RehearsalOutcome.sizeLimit).bytes
        } catch {
            switch error {
            case .unreadable(let failure): throw Complaint("\(path): cannot be read: \(failure.reason)")
            case .notRegular: throw Complaint("\(path): is no plain file")
            case .tooLarge: throw Complaint("\(path): is larger than what comes of any rehearsal")
            }
        }
        do throws(WireProblem) {
            return try WireJSON.decode(from: Data(bytes))
        } catch {
            throw Complaint(
                "\(path): is nothing that `mitosis-lab rehearse` of this version has written: \(error)"
            )
        }
    }

    private func drawnUp() throws -> RunReport {
        let plan = try PlanReader.read(path: file, believing: .operator)
        guard FileManager.default.fileExists(atPath: plan.journalPath) else {
            throw Complaint("\(plan.journalPath): no journal yet; `mitosis run \(file)` begins one")
        }
        let journal = try SQLiteJournal(path: plan.journalPath, exclusively: false)
        logging.logger.debug("journal opened", fields: ["path": plan.journalPath])
        // Another plan may keep its runs in the same journal: they are not meant, unless one is named.
        let runs = try journal.runs().filter { run != nil || $0.record.plan == plan.name }
        let chosen = runs.first { run.map { [id = $0.record.id] in id.description == $0 } ?? true }
        guard let (record, ending, endedAt) = chosen else {
            let known = runs.prefix(20).map(\.record.id.description).joined(separator: ", ")
            throw Complaint(
                "\(plan.journalPath): "
                    + (run.map { "no run '\($0)'; " } ?? "no run; ")
                    + (known.isEmpty ? "`mitosis run \(file)` begins one" : "there are \(known)")
            )
        }
        let source = ReportSource(
            record: record,
            entries: try journal.entries(of: record.id),
            ending: ending,
            endedAt: endedAt,
            beginning: try journal.beginning(of: record.id),
            outputs: try journal.outputs(of: record.id),
            probes: try journal.events(of: record.id).compactMap(\.probe),
            plan: plan
        )
        return RunReport(source, at: Timing.system.now())
    }
}
