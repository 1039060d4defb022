import FoundationEssentials
import Tables

/// A smoke test as people and programs read it.
package struct SmokeText: Sendable {
    private let report: SmokeReport

    package init(_ report: SmokeReport) { self.report = report }

    package var text: String {
        let table = Table([.fitted] + SmokeStep.allCases.map { _ in .fitted(atLeast: 6) }, gap: 2)
        let head = ["milliseconds"] + SmokeStep.allCases.map(\.rawValue)
        let rows = report.servers.indices.map { place in
            [report.servers[place]] + SmokeStep.allCases.map { cell($0, place) }
        }
        var lines = table.lines([head] + rows)
        lines += report.failures.map { "FAIL  \($0.server): \($0.step.rawValue): \($0.reason)" }
        lines += report.notes
        lines.append(report.isGood ? "good: \(report.servers.count) servers" : "NOT GOOD")
        return lines.joined(separator: "\n") + "\n"
    }

    private func cell(_ step: SmokeStep, _ place: Int) -> String {
        if let took = report.milliseconds[place][step] { return MillisecondText.text(took) }
        let failed = report.failures.contains { $0.step == step && $0.server == report.servers[place] }
        return failed ? "FAIL" : "-"
    }

    /// One document.
    package func json() throws -> String {
        struct Server: Encodable {
            let server: String
            let milliseconds: [String: Double]
        }
        struct Document: Encodable {
            let good: Bool
            let root: String
            let servers: [Server]
            let failures: [SmokeReport.Failure]
            let notes: [String]
        }
        let servers = zip(report.servers, report.milliseconds)
            .map { server, took in
                Server(
                    server: server,
                    milliseconds: Dictionary(took.map { ($0.key.rawValue, $0.value) }) { first, _ in first }
                )
            }
        let document = Document(
            good: report.isGood,
            root: report.root,
            servers: servers,
            failures: report.failures,
            notes: report.notes
        )
        return try MillisecondText.json(document)
    }
}

/// Numbers and documents of what was timed.
enum MillisecondText {
    /// With one decimal.
    static func text(_ milliseconds: Double) -> String {
        let tenths = Int((min(max(milliseconds, 0), 1e12) * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }

    static func json(_ document: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(document), as: UTF8.self) + "\n"
    }
}
