import ArgumentParser
import Glibc
import Procedure
import Reporting
import Synchronization

/// What `run` and `rollback` have in common.
struct RunOptions: ParsableArguments {
    @Argument(help: "The plan file.", completion: .file()) var file: String
    @Flag(help: "Do not ask for confirmation.") var yes = false
    @Flag(help: "Print one JSON event a line.") var json = false
    @Flag(help: "On a terminal print lines only, without the live view.") var noLive = false
    @Option(help: "Also append every event, one JSON object a line, to this file.") var events: String?
    @Option(
        help: ArgumentHelp(
            "Call this program when a stage begins or ends, a question is asked, the run stops or ends; it reads the event as JSON. Given again: its arguments.",
            valueName: "program"
        )
    )
    var notify: [String] = []
    @Option(
        help:
            "Keep this file up with the run's metrics, in Prometheus' text format, for a textfile collector."
    )
    var metrics: String?
    @Flag(help: "Take the leases over from another run that holds them.") var takeOver = false
    @OptionGroup var logging: LogOptions

    /// Whether the run is shown on a page of its own while it goes on.
    var isLive: Bool { !json && !noLive && LivePage.isPossible }

    func reporter(_ screen: RunScreen?) throws -> @Sendable (RunEvent) -> Void {
        try Self.reporter(json: json, events: events, screen)
    }

    static func reporter(
        json: Bool,
        events: String?,
        _ screen: RunScreen? = nil
    ) throws -> @Sendable (RunEvent) -> Void {
        let style: RunPrinter.Style = json ? .json : Output.isTerminal ? .terminal : .plain
        let printer = RunPrinter(style: style) { Output.write($0) }
        // The run, its probes and its vigils tell of events, and a long line is written in pieces.
        let turn = Turn()
        let show: @Sendable (RunEvent) -> Void = { event in
            turn.taken { if let screen { screen.take(event) } else { printer.print(event) } }
        }
        guard let events else { return show }
        let descriptor = open(events, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw Complaint("\(events): cannot be written: \(String(cString: strerror(errno)))")
        }
        return { event in
            turn.taken { Output.write(EventLine.json(event) + "\n", to: descriptor) }
            show(event)
        }
    }

    private final class Turn: Sendable {
        private let lock = Mutex(())

        func taken(_ body: () -> Void) { lock.withLock { _ in body() } }
    }

    /// The last line of a run for a person.
    func tellOfReport() {
        if !json { Output.write("A report: mitosis report \(file) --html report.html\n") }
    }

    /// Only `yes` is one: the end of the input and a signal to stop are none.
    func confirmed() async -> Bool {
        if yes { return true }
        if !json { Output.write("Type yes to go on: ") }
        return await AnswerReader(input: STDIN_FILENO, stop: StopSignal.descriptor).line() == "yes"
    }
}
