package import Printable
package import Procedure
import Topology

/// Turns run events into lines: one per step with its time, and on a terminal a live line below them.
package struct RunPrinter: Sendable {
    package enum Style: Hashable, Sendable {
        /// A live line is redrawn in place.
        case terminal
        case plain
        /// One JSON object a line.
        case json
    }

    private let style: Style
    private let send: @Sendable (TerminalText) -> Void

    package init(style: Style, write: @escaping @Sendable (TerminalText) -> Void) {
        self.style = style
        send = write
    }

    package func print(_ event: RunEvent) {
        switch style {
        case .json: write(EventLine.json(event) + "\n")
        case .plain: for line in Self.lines(event) { write(line + "\n") }
        case .terminal: printLive(event)
        }
    }

    private func printLive(_ event: RunEvent) {
        switch event.what {
        case .stepStarted(let subject): write("  ... \(subject.title)", after: .clearLine)
        case .stepProgress(let subject, let message), .stepWaiting(let subject, let message):
            let text = "  ... \(subject.title): \(message)"
            let line = PrintableText(text.replacing("\n", with: " ")).description
            write(String(line.prefix(150)), after: .clearLine)
        case .runStarted, .runResumed, .stageStarted, .warning, .stepFinished, .stageFinished,
            .confirmationNeeded, .runStopped, .runFinished:
            write("", after: .clearLine)
            for line in Self.lines(event) { write(line + "\n") }
        case .probed: break
        }
    }

    private func write(_ text: String, after control: TerminalText.Control? = nil) {
        send(TerminalText(text, after: control))
    }

    static func lines(_ event: RunEvent) -> [String] {
        switch event.what {
        case .runStarted: return ["run \(event.run)"]
        case .runResumed(let message): return ["run \(event.run) goes on; \(message)"]
        case .stageStarted(let stage, let title): return ["", "\(stage): \(title)"]
        case .stepStarted, .stepWaiting, .probed: return []
        case .stepProgress(_, let message): return ["      \(message)"]
        case .warning(let subject, let message): return ["  !!  \(subject.title): \(message)"]
        case .stepFinished(let subject, let observed, let milliseconds):
            return [
                "  ok  \(subject.title)  \(seconds(milliseconds))"
                    + (observed.isEmpty ? "" : "\n        \(observed.replacing("\n", with: "\n        "))")
            ]
        case .stageFinished(let stage, _, let milliseconds):
            return ["  \(stage) took \(seconds(milliseconds))"]
        case .confirmationNeeded(_, let question): return ["", question]
        case .runStopped(_, let reason, let standing):
            return ["", "stopped: \(reason)", "The migration is \(standing): \(standing.advice)."]
        case .runFinished(let message, let milliseconds):
            return ["", "\(message.isEmpty ? "finished" : message) in \(seconds(milliseconds))"]
        }
    }

    /// Milliseconds as seconds with two decimals, for instance `3.07 s`.
    package static func seconds(_ milliseconds: Int) -> String {
        let hundredths = max(0, milliseconds).plus(saturating: 5) / 10
        let fraction = hundredths % 100
        return "\(hundredths / 100).\(fraction < 10 ? "0" : "")\(fraction) s"
    }
}
