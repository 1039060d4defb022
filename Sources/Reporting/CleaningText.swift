import ControlProtocol
package import Fleet
import FoundationEssentials
import Printable

/// What a cleaning tells, as it goes on: one line a host, and what all of it came to.
package struct CleaningText: Sendable {
    /// A line of the output for programs.
    private struct Line: Encodable {
        let host: String
        let result: String
        var removed: Int?
        var reason: String?
        var forced: String?
        var handMade: HandMadeReport?
    }

    private struct Sum: Encodable {
        let hosts: Int
        let clean: Int
        let refused: Int
        let unreachable: Int
        let failed: Int
        let stopped: Int
    }

    private let isJSON: Bool

    package init(json: Bool) { isJSON = json }

    /// With its end; nil for what is not told.
    ///
    /// - Parameter reports: of rules that somebody made by hand; what is told of a host is taken out of it.
    package func line(_ action: CleaningBoard.Action, _ reports: HandMadeReports? = nil) -> String? {
        switch action {
        case .look, .clean, .pause: return nil
        case .hindered(let host, let reason):
            let report = reports?.take(host)
            return told(
                Line(host: host.description, result: "waiting", reason: reason, handMade: report),
                "not yet: \(reason)",
                report
            )
        case .end(let host, let outcome, let forced):
            let report = reports?.take(host)
            let line = Line(
                host: host.description,
                result: outcome.word,
                removed: outcome.removed,
                reason: outcome.reason.isEmpty ? nil : outcome.reason,
                forced: forced,
                handMade: report
            )
            let although = forced.map { " (forced, although \($0))" } ?? ""
            switch (outcome, report) {
            case (.clean, let report?): return told(line, "clean" + although, report)
            case (.failed, let report?): return told(line, "not clean" + although, report)
            case (_, _): return told(line, sentence(outcome) + although)
            }
        }
    }

    /// What it came to: counts, and every host that is not clean, in the order in which the hosts were given.
    package func end(_ board: CleaningBoard) -> String {
        let outcomes = board.outcomes
        let words = board.hosts.compactMap { outcomes[$0]?.word }
        let count = { (word: String) in words.count { $0 == word } }
        if isJSON {
            return Self.json(
                Sum(
                    hosts: board.hosts.count,
                    clean: count("clean"),
                    refused: count("refused"),
                    unreachable: count("unreachable"),
                    failed: count("failed"),
                    stopped: count("stopped")
                )
            )
        }
        var text = "\(board.hosts.count) hosts: \(count("clean")) proven clean"
        for word in ["refused", "unreachable", "failed", "stopped"] { text += ", \(count(word)) \(word)" }
        text += "\n"
        for word in ["refused", "unreachable", "failed", "stopped"] where count(word) > 0 {
            let hosts = board.hosts.filter { outcomes[$0]?.word == word }
            text += "\(word): \(hosts.listed())\n"
        }
        return PrintableText(lines: text).description
    }

    private func told(_ line: Line, _ sentence: String, _ report: HandMadeReport? = nil) -> String {
        guard !isJSON else { return Self.json(line) }
        return "\(line.host): \(PrintableText(sentence))\n" + (report.map(HandMadeHostText.indented) ?? "")
    }

    private func sentence(_ outcome: CleaningBoard.Outcome) -> String {
        switch outcome {
        case .clean(0): "clean; nothing of ours was there"
        case .clean(let removed): "clean; \(removed) rules removed"
        case .refused(let reason): "refused, nothing was changed: \(reason)"
        case .unreachable(let reason): "not cleaned, no answer: \(reason)"
        case .failed(let reason): "not clean: \(reason)"
        case .stopped(let reason): "not cleaned, stopped: \(reason)"
        }
    }

    static func json(_ value: some Encodable) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return PrintableText.json(String(decoding: try encoder.encode(value), as: UTF8.self)) + "\n"
        } catch {
            return "{\"error\":\"cannot be put into JSON\"}\n"
        }
    }
}

extension CleaningBoard.Outcome {
    fileprivate var word: String {
        switch self {
        case .clean: "clean"
        case .refused: "refused"
        case .unreachable: "unreachable"
        case .failed: "failed"
        case .stopped: "stopped"
        }
    }

    fileprivate var removed: Int? {
        switch self {
        case .clean(let removed): removed
        case .refused, .unreachable, .failed, .stopped: nil
        }
    }
}
