import ControlProtocol
import Fleet
import Printable
import Procedure
import Topology

/// A run's steps in the order of its journal, on a clock that stands still while nobody goes on with it.
struct ReportTimeline {
    /// Longer than that between two steps is a pause: no gate waits so long without being written down.
    private static let longestGap: Int64 = 60_000

    private(set) var visits: [RunReport.Visit] = []
    /// Milliseconds of all of it, but for the pauses.
    private(set) var end: Int64 = 0
    private let steps: [StepID: String]
    private let stages: [StageName: String]

    init(_ source: ReportSource) {
        steps = Dictionary(source.stages.flatMap(\.steps).map { ($0.id, $0.title) }) { first, _ in first }
        stages = Dictionary(source.stages.map { ($0.name, $0.title) }) { first, _ in first }
        var last = source.record.startedAt
        for (index, entry) in source.entries.enumerated() {
            let gap = max(0, entry.intendedAt.minus(saturating: last))
            let isPause = gap > Self.longestGap && index > 0
            let offset = end.plus(saturating: isPause ? 0 : gap)
            let attempt = attempt(entry, index + 1, offset, pause: isPause ? gap : nil)
            append(attempt, entry.step.stage)
            end = attempt.end
            last = max(last, entry.decidedAt ?? entry.intendedAt)
        }
    }

    func title(of step: StepID) -> String { steps[step] ?? step.description }

    private func attempt(
        _ entry: JournalEntry,
        _ number: Int,
        _ offset: Int64,
        pause: Int64?
    ) -> RunReport.Attempt {
        let (result, observed): (RunReport.Attempt.Result, String?) =
            switch entry.verdict {
            case .done(let observed): (.done, observed)
            case .failed(let reason): (.failed, reason)
            case nil: (.intended, nil)
            }
        return RunReport.Attempt(
            number: number,
            step: PrintableText(entry.step.description).description,
            title: PrintableText(title(of: entry.step)).description,
            attempt: entry.attempt,
            intendedAt: entry.intendedAt,
            decidedAt: entry.decidedAt,
            offset: offset,
            milliseconds: entry.decidedAt.map { max(0, $0.minus(saturating: entry.intendedAt)) } ?? 0,
            pauseBefore: pause,
            result: result,
            observed: observed.map { PrintableText(lines: $0).description },
            commands: entry.commands.map { command in
                RunReport.Attempt.Order(
                    host: command.host.description,
                    command: PrintableText(command.command.summary).description
                )
            }
        )
    }

    private mutating func append(_ attempt: RunReport.Attempt, _ stage: StageName?) {
        let name = stage?.rawValue ?? "another version's stage"
        if visits.last?.name == name {
            visits[visits.count - 1].steps.append(attempt)
        } else {
            let title = stage.flatMap { stages[$0] } ?? name
            visits.append(RunReport.Visit(name: name, title: title, steps: [attempt]))
        }
    }
}
