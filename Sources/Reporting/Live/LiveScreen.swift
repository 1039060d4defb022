import ControlProtocol
import Procedure
import Topology

/// A board as exactly so many lines of at most so many columns.
package struct LiveScreen: Sendable {
    package struct Size: Hashable, Sendable {
        package let columns: Int
        package let rows: Int

        package init(columns: Int, rows: Int) {
            self.columns = max(1, columns)
            self.rows = max(1, rows)
        }
    }

    private let board: LiveBoard
    private let size: Size
    /// Unix milliseconds.
    private let now: Int64
    private let footer: String

    /// - Parameter footer: what Ctrl-C does here.
    package init(_ board: LiveBoard, size: Size, now: Int64, footer: String) {
        self.board = board
        self.size = size
        self.now = now
        self.footer = footer
    }

    package var lines: [LiveLine] {
        let table = LiveTable(width: size.columns)
        let head = self.head
        // Hosts come first; what is left is for warnings, which get two lines in any case where there are any.
        let least = min(board.warnings.count, size.rows >= 20 ? 2 : 1)
        let room = max(0, size.rows - head.count - 2 - least)
        let hosts = table.lines(board, room: room, now: now)
        var lines = head + [table.header] + hosts
        let left = max(0, size.rows - lines.count - 1)
        let warnings = board.warnings.suffix(left).map { LiveLine("!! " + $0, .bad) }
        lines += Array(repeating: LiveLine(), count: max(0, left - warnings.count)) + warnings
        lines = Array(lines.prefix(size.rows - 1)) + [last]
        return lines.suffix(size.rows).map { $0.cut(to: size.columns) }
    }

    private var isSmall: Bool { size.rows < 16 || size.columns < 60 }

    private var head: [LiveLine] {
        var lines = [title]
        lines += isSmall ? [presentStage] : stages
        lines.append(step)
        let note = board.ending == nil ? board.question.map { "asks: \($0)" } ?? waiting : nil
        if let note { lines.append(LiveLine("      " + note)) } else if !isSmall { lines.append(LiveLine()) }
        if let window { lines.append(window) } else if !isSmall { lines.append(LiveLine()) }
        if let probe { lines.append(probe) }
        return lines
    }

    private var waiting: String? {
        board.step?.waiting.map { $0.replacing("\n", with: "; ") }
    }

    private var title: LiveLine {
        var line = LiveLine("mitosis \(board.plan)", .strong)
        if let run = board.run { line.append("  run \(run)") } else { line.append("  no run seen yet") }
        guard let started = board.startedAt else { return line }
        return line.with(
            LiveTime.clock((board.endedAt ?? now).minus(saturating: started)),
            atEndOf: size.columns
        )
    }

    private var words: [(text: String, style: LiveLine.Style)] {
        board.stages.map { stage in
            switch stage.progress {
            case .ahead: (stage.name.rawValue, .faint)
            case .present(let since):
                (
                    "[\(stage.name.rawValue) \(LiveTime.clock((board.endedAt ?? now).minus(saturating: since)))]",
                    .strong
                )
            case .done(let milliseconds):
                (
                    "\(stage.name.rawValue) done"
                        + (milliseconds.map { " " + LiveTime.clock(Int64(clamping: $0)) } ?? ""), .good
                )
            }
        }
    }

    /// In as many lines as they need.
    private var stages: [LiveLine] {
        var lines = [LiveLine()]
        for (text, style) in words {
            let width = lines[lines.count - 1].width
            if width > 0, width + 3 + text.count > size.columns {
                lines.append(LiveLine(text, style))
            } else {
                if width > 0 { lines[lines.count - 1].append(" > ", .faint) }
                lines[lines.count - 1].append(text, style)
            }
        }
        return lines
    }

    private var presentStage: LiveLine {
        for (number, (stage, word)) in zip(board.stages, words).enumerated() {
            if case .present = stage.progress {
                return LiveLine("stage \(number + 1) of \(board.stages.count) \(word.text)", .strong)
            }
        }
        return LiveLine("\(board.stages.count) stages")
    }

    private var step: LiveLine {
        if let ending = board.ending {
            return LiveLine("ended: " + ending.replacing("\n", with: "; "), .strong)
        }
        guard let step = board.step else { return LiveLine("step: none just now") }
        var time = LiveTime.clock(now.minus(saturating: step.since))
        if let limit = board.limit { time += " (may take \(LiveTime.clock(Int64(clamping: limit))))" }
        let line = LiveLine("step: \(step.title)", .strong)
        let room = size.columns - time.count - 1
        return line.cut(to: max(0, room)).with(time, atEndOf: size.columns)
    }

    /// The division's, predicted, open or over; nil before there is anything to say.
    private var window: LiveLine? {
        let window = board.window
        let expected = window.expected.map { LiveTime.tenths(Int64(clamping: $0)) }
        guard let opened = window.openedAt else { return expected.map { LiveLine("window: expected \($0)") } }
        if let over = window.over {
            return LiveLine("window: \(over)" + (expected.map { ", expected \($0)" } ?? ""), .good)
        }
        let open = now.minus(saturating: opened)
        var text = "WINDOW OPEN for \(LiveTime.tenths(open))"
        if let milliseconds = window.expected, let expected {
            let left = Int64(clamping: milliseconds).minus(saturating: open)
            text +=
                left >= 0
                ? ", \(LiveTime.tenths(left)) left of \(expected)"
                : ", \(LiveTime.tenths(-max(left, -Int64.max))) OVER the \(expected)"
        }
        if let worst = window.worst {
            text += "; \(LiveTime.tenths(Int64(clamping: worst))) if an election stalls"
        }
        return LiveLine(text, .bad)
    }

    private var probe: LiveLine? {
        let sides = ProbedSide.allCases.compactMap { side in board.probes[side] }
        guard !sides.isEmpty else { return nil }
        // What is down comes first: the line may be too long for the screen.
        let down = sides.compactMap { sample in
            sample.unavailableSince.map {
                "\(sample.side.rawValue) takes NO WRITE for \(LiveTime.tenths(now.minus(saturating: $0)))"
            }
        }
        let isDown = !down.isEmpty
        let texts =
            down
            + sides.filter { $0.unavailableSince == nil }.map { sample in
                let failed = sample.failures > 0 ? ", \(sample.failures) failed" : ""
                return "\(sample.side.rawValue) \(sample.writes) writes\(failed), worst \(sample.worst) ms"
            }
        return LiveLine("probe: " + texts.joined(separator: "; "), isDown ? .bad : .plain)
    }

    private var last: LiveLine {
        let age = board.lookedAt.map {
            "hosts seen \(LiveTime.clock(now.minus(saturating: $0))) ago; "
        }
        return LiveLine((age ?? "hosts not seen yet; ") + footer, .faint)
    }
}
