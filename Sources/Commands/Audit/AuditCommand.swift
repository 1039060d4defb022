import ArgumentParser
import ControlProtocol
import FoundationEssentials
import Reporting

struct AuditCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit",
        abstract: "Show an agent's audit trail, and check that nothing in it was changed or taken away.",
        discussion: """
            FILE is audit.jsonl (what was done) or audit-requests.jsonl (what was read or refused) of an agent's state \
            directory, or a copy. Of one file the older ones beside it (FILE.1, FILE.2, ...) are read too; of several, just \
            these. They are put in order by the numbers of their lines.
            """
    )

    @Argument(help: "Files of one trail.", completion: .file()) var files: [String]
    @Flag(help: "Print nothing but a verdict; fail where a line does not follow the one before.") var verify =
        false
    @Flag(help: "Print the lines as they stand in the files.") var json = false
    @Option(
        help: ArgumentHelp(
            "A line that the trail must hold, as the agent's log or status has it: shows an end that was cut off.",
            valueName: "number:hash"
        ),
        transform: { text in
            guard let head = AuditHead(text) else {
                throw ValidationError("'\(text)' is no number, a colon and at least 8 characters of a hash")
            }
            return head
        }
    )
    var holds: AuditHead?

    func validate() throws {
        guard !(verify && json) else { throw ValidationError("--verify prints no lines; leave out --json") }
    }

    func run() throws {
        let reading = try AuditReading(files)
        if !verify {
            Output.write(json ? reading.json : AuditTable(reading.entries).text)
        }
        if let broken = reading.broken { throw Complaint(broken) }
        if let holds, !reading.heads.contains(where: { $0.matches(holds) }) {
            let end = reading.walk.head.map { "it ends with \($0)" } ?? "it is empty"
            throw Complaint("\(reading.newest): there is no line \(holds) in this trail; \(end)")
        }
        guard verify else { return }
        // A trail that was emptied, or whose numbers were taken away, must not pass for a whole one.
        guard reading.walk.head != nil else {
            throw Complaint(
                "\(reading.newest): no line that is chained: \(reading.verdict). Is this an agent's audit trail?"
            )
        }
        Output.write(reading.verdict + "\n")
    }
}
