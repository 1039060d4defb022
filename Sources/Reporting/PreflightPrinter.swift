import FoundationEssentials
package import Procedure

/// A preflight's findings for a person, one line a check, or as one JSON document.
package struct PreflightPrinter: Sendable {
    private let report: PreflightReport

    package init(_ report: PreflightReport) { self.report = report }

    package var text: String {
        let width = report.findings.map { "\($0.name)".count }.max() ?? 0
        let lines = report.findings.flatMap { finding -> [String] in
            let name = Self.padded("\(finding.name)", width)
            let reason = finding.reason.replacing("\n", with: " ")
            let line = "\(Self.padded(Self.word(finding.verdict), 6))  \(name)  \(reason)"
            let more = [finding.waiver.map { "because \($0)" }, finding.remedy].compactMap(\.self)
            return [line] + more.map { String(repeating: " ", count: width + 10) + $0 }
        }
        return (lines + ["", summary]).joined(separator: "\n") + "\n"
    }

    private var summary: String {
        let count = report.findings.count
        return
            "\(report.plan): \(count) \(count == 1 ? "check" : "checks"): \(report.passed) passed, \(report.warned) warned, "
            + "\(report.failed) failed, \(report.waived) waived"
    }

    package func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(report), as: UTF8.self) + "\n"
    }

    private static func word(_ verdict: Finding.Verdict) -> String {
        switch verdict {
        case .pass: "ok"
        case .warn: "warn"
        case .fail: "FAIL"
        case .waived: "waived"
        }
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }
}
