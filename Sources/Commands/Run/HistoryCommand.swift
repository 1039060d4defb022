import ArgumentParser
import Fleet
import FoundationEssentials
import Journal
import Logging
import Logs
import Procedure
import Reporting
import Settings
import SystemCalls

struct HistoryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history",
        abstract: "Show the journal: every run, every step with its commands, verdict and time."
    )

    @Argument(help: "The plan file.", completion: .file()) var file: String
    @Flag(help: "Show what each run told, warnings and questions too, in place of its steps.")
    var told = false

    @OptionGroup var logging: LogOptions

    func run() async throws {
        let plan = try PlanReader.read(path: file, believing: .operator)
        guard access(plan.journalPath) else {
            throw Complaint("\(plan.journalPath): no journal yet; `mitosis run \(file)` begins one")
        }
        let journal = try SQLiteJournal(path: plan.journalPath, exclusively: false)
        logging.logger.debug("journal opened", fields: ["path": plan.journalPath])
        for (record, ending, _) in try journal.runs() {
            let entries = try journal.entries(of: record.id)
            Output.write(HistoryText.head(record, ending) + HistoryText.standing(RunHistory(entries), ending))
            if told {
                let events = try journal.events(of: record.id)
                if events.isEmpty { Output.write("  what it told was not kept\n") }
                for event in events { Output.write(HistoryText.told(event)) }
            } else {
                for entry in entries { Output.write(HistoryText.text(entry)) }
            }
        }
    }

    private func access(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }
}
