import Tables

/// Latencies as people and programs read them.
package struct LatencyText: Sendable {
    private let report: LatencyReport

    package init(_ report: LatencyReport) { self.report = report }

    package var text: String {
        let head = ["server", "", "operations", "ms", "ms/op", "per second", "p50", "p95", "p99", "most"]
        let table = Table(head.map { _ in .fitted }, gap: 2)
        let rows = report.rows.map { row in
            [row.server, row.part.rawValue, "\(row.operations)"]
                + [
                    row.totalMilliseconds, row.perOperationMilliseconds, row.perSecond, row.p50, row.p95,
                    row.p99,
                    row.most,
                ]
                .map(MillisecondText.text)
        }
        var lines = table.lines([head] + rows)
        lines += report.failures.map { failure in
            "FAIL  \(failure.server): \(failure.part?.rawValue ?? "before the first part"): \(failure.reason)"
        }
        lines += report.notes
        lines.append(report.isGood ? "complete" : "NOT COMPLETE")
        return lines.joined(separator: "\n") + "\n"
    }

    /// One document.
    package func json() throws -> String {
        struct Document: Encodable {
            let good: Bool
            let rows: [LatencyRow]
            let failures: [LatencyReport.Failure]
            let notes: [String]
        }
        return try MillisecondText.json(
            Document(good: report.isGood, rows: report.rows, failures: report.failures, notes: report.notes)
        )
    }
}
