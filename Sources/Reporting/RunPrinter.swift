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
        case .plain: for line in lines(event) { write(line + "\n") }
        case .terminal: printLive(event)
        }
    }

    private func printLive(_ event: RunEvent) {
        switch event.event {
        case .stepStarted: write("  ... \(event.title ?? "")", after: .clearLine)
        case .stepProgress, .stepWaiting:
            let text = "  ... \(event.title ?? ""): \(event.message ?? "")"
            let line = PrintableText(text.replacing("\n", with: " ")).description
            write(String(line.prefix(150)), after: .clearLine)
        case .runStarted, .runResumed, .stageStarted, .warning, .stepFinished, .stageFinished,
            .confirmationNeeded, .runStopped, .runFinished:
            write("", after: .clearLine)
            for line in lines(event) { write(line + "\n") }
        }
    }

    private func write(_ text: String, after control: TerminalText.Control? = nil) {
        send(TerminalText(text, after: control))
    }

    private func lines(_ event: RunEvent) -> [String] {
        let message = event.message ?? ""
        switch event.event {
        case .runStarted: return ["run \(event.run)"]
        case .runResumed: return ["run \(event.run) goes on; \(message)"]
        case .stageStarted: return ["", "\(event.stage ?? ""): \(event.title ?? "")"]
        case .stepStarted, .stepWaiting: return []
        case .stepProgress: return ["      \(message)"]
        case .warning: return ["  !!  \(event.title ?? ""): \(message)"]
        case .stepFinished:
            let time = Self.seconds(event.milliseconds ?? 0)
            return [
                "  ok  \(event.title ?? "")  \(time)"
                    + (message.isEmpty ? "" : "\n        \(message.replacing("\n", with: "\n        "))")
            ]
        case .stageFinished:
            return ["  \(event.stage ?? "") took \(Self.seconds(event.milliseconds ?? 0))"]
        case .confirmationNeeded: return ["", message]
        case .runStopped:
            let standing = event.standing.map { "The migration is \($0): \($0.advice)." }
            return ["", "stopped: \(message)"] + [standing].compactMap(\.self)
        case .runFinished:
            return [
                "", "\(message.isEmpty ? "finished" : message) in \(Self.seconds(event.milliseconds ?? 0))",
            ]
        }
    }

    /// Milliseconds as seconds with two decimals, for instance `3.07 s`.
    package static func seconds(_ milliseconds: Int) -> String {
        let hundredths = max(0, milliseconds).plus(saturating: 5) / 10
        let fraction = hundredths % 100
        return "\(hundredths / 100).\(fraction < 10 ? "0" : "")\(fraction) s"
    }
}
