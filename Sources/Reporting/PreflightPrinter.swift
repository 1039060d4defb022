import FoundationEssentials
import Printable
package import Procedure
import Tables

/// A preflight's findings for a person, one line a check, or as one JSON document.
package struct PreflightPrinter: Sendable {
    private let report: PreflightReport

    package init(_ report: PreflightReport) { self.report = report }

    package var text: String {
        let rows = report.findings.flatMap { finding -> [[String]] in
            let reason = finding.reason.replacing("\n", with: " ")
            let more = [finding.waiver.map { "because \($0)" }, finding.remedy].compactMap(\.self)
            return [[Self.word(finding.verdict), "\(finding.name)", reason]] + more.map { ["", "", $0] }
        }
        let lines = Table([.fitted(atLeast: 6), .fitted], gap: 2).lines(rows)
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
        return PrintableText.json(String(decoding: try encoder.encode(report), as: UTF8.self)) + "\n"
    }

    private static func word(_ verdict: Finding.Verdict) -> String {
        switch verdict {
        case .pass: "ok"
        case .warn: "warn"
        case .fail: "FAIL"
        case .waived: "waived"
        }
    }
}
