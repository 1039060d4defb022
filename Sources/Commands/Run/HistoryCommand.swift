import ArgumentParser
import Fleet
import FoundationEssentials
import Journal
import Logging
import Logs
import Procedure
import Reporting
import Settings

struct HistoryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history",
        abstract: "Show the journal: every run, every step with its commands, verdict and time."
    )

    @Argument(help: "The plan file.", completion: .file()) var file: String
    @OptionGroup var logging: LogOptions

    func run() async throws {
        let plan = try PlanReader.read(path: file)
        guard access(plan.journalPath) else {
            throw Complaint("\(plan.journalPath): no journal yet; `mitosis run \(file)` begins one")
        }
        let journal = try SQLiteJournal(path: plan.journalPath, exclusively: false)
        logging.logger.debug("journal opened", fields: ["path": plan.journalPath])
        for (record, ending, _) in try journal.runs() {
            let state = ending?.rawValue ?? "under way, or its coordinator died"
            Output.write(
                "run \(record.id)  plan \(record.planDigest.prefix(12))  epoch \(record.epoch)  \(state)\n"
            )
            for waived in record.facts.waived { Output.write("  waived: \(waived)\n") }
            for entry in try journal.entries(of: record.id) { Output.write(Self.text(entry)) }
        }
    }

    private func access(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

    private static func text(_ entry: JournalEntry) -> String {
        let attempt = entry.attempt > 1 ? " (attempt \(entry.attempt))" : ""
        let verdict =
            switch entry.verdict {
            case .done(let observed): "done: \(observed)"
            case .failed(let reason): "failed: \(reason)"
            case nil: "intended, no verdict: it may have happened"
            }
        let time = entry.decidedAt.map { "  \(RunPrinter.seconds(Int($0 - entry.intendedAt)))" } ?? ""
        let commands = entry.commands.map { "      \($0.host): \($0.command.summary)\n" }.joined()
        return "  \(entry.step)\(attempt)\(time)\n\(commands)      \(verdict)\n"
    }
}
