package import ControlProtocol
package import Fleet
import Printable

/// What walls put up for a trial came to: one line a host, and the sum.
package struct PilotText: Sendable {
    private struct Line: Encodable {
        let host: String
        let result: String
        var report: PilotReport?
        var reason: String?
    }

    private struct Sum: Encodable {
        let hosts: Int
        let passed: Int
        let refused: Int
        let unreachable: Int
        let failed: Int
        let slowestMilliseconds: Int
    }

    private let isJSON: Bool
    private var outcomes: [HostName: FleetPilot.Outcome] = [:]

    package init(json: Bool) { isJSON = json }

    /// Whether the wall stood, and went, on every host that needs one, and there is one.
    package var isPassed: Bool {
        !outcomes.isEmpty
            && outcomes.values.allSatisfy { outcome in
                switch outcome {
                case .passed: true
                case .refused, .unreachable, .failed, .notMeant: false
                }
            }
    }

    /// Empty for a host that needs no wall.
    package mutating func told(_ host: HostName, _ outcome: FleetPilot.Outcome) -> String {
        switch outcome {
        case .notMeant: return ""
        case .passed(let report):
            outcomes[host] = outcome
            guard !isJSON else {
                return CleaningText.json(Line(host: host.description, result: "passed", report: report))
            }
            let times = "up in \(report.upMilliseconds) ms, gone in \(report.downMilliseconds) ms"
            return "\(host): \(report.backend.rawValue), \(report.rules) rules: \(times)\n"
                + report.interference.map { "  \(PrintableText($0))\n" }.joined()
        case .refused(let reason): return line(host, outcome, "refused, nothing was changed", reason)
        case .unreachable(let reason): return line(host, outcome, "no answer", reason)
        case .failed(let reason): return line(host, outcome, "FAILED", reason)
        }
    }

    private mutating func line(
        _ host: HostName,
        _ outcome: FleetPilot.Outcome,
        _ words: String,
        _ reason: String
    ) -> String {
        outcomes[host] = outcome
        guard !isJSON else {
            return CleaningText.json(
                Line(host: host.description, result: Self.word(outcome), reason: reason)
            )
        }
        return "\(host): \(words): \(PrintableText(reason))\n"
    }

    package func end() -> String {
        let words = outcomes.values.map(Self.word)
        let slowest = outcomes.compactMap { host, outcome -> (host: HostName, report: PilotReport)? in
            if case .passed(let report) = outcome { (host, report) } else { nil }
        }
        .max { ($0.report.upMilliseconds, $0.host) < ($1.report.upMilliseconds, $1.host) }
        let sum = Sum(
            hosts: outcomes.count,
            passed: words.count { $0 == "passed" },
            refused: words.count { $0 == "refused" },
            unreachable: words.count { $0 == "unreachable" },
            failed: words.count { $0 == "failed" },
            slowestMilliseconds: slowest?.report.upMilliseconds ?? 0
        )
        guard !isJSON else { return CleaningText.json(sum) }
        guard sum.hosts > 0 else { return "no host that would need a wall: nothing was tried\n" }
        var text =
            "\(sum.hosts) hosts: \(sum.passed) passed, \(sum.refused) refused, \(sum.unreachable) unreachable, \(sum.failed) failed"
        if let slowest { text += "; slowest: \(slowest.host), \(slowest.report.upMilliseconds) ms" }
        return text + "\n"
    }

    private static func word(_ outcome: FleetPilot.Outcome) -> String {
        switch outcome {
        case .passed: "passed"
        case .refused: "refused"
        case .unreachable: "unreachable"
        case .failed: "failed"
        case .notMeant: "not meant"
        }
    }
}
