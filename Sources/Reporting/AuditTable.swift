package import ControlProtocol
import FoundationEssentials
import Printable
import Tables

/// An agent's audit trail for people: a line an entry.
package struct AuditTable: Sendable {
    private static let table = Table(
        [.fitted(atLeast: 6), .fitted(atLeast: 20), .fitted, .fitted, .fitted, .fitted, .fitted],
        gap: 2
    )
    private static let header = ["number", "time", "who", "from", "allowed", "what", "outcome"]

    private let entries: [AuditEntry]

    package init(_ entries: [AuditEntry]) { self.entries = entries }

    package var text: String {
        let rows = entries.map { entry in
            [
                entry.number.map(String.init) ?? "-",
                Date(timeIntervalSince1970: Double(entry.time) / 1000).ISO8601Format(),
                Self.cell(entry.identity), Self.cell(entry.peer),
                entry.allowed.map { $0 ? "yes" : "no" } ?? "-",
                Self.cell(entry.id.map { "\(entry.command) (\($0))" } ?? entry.command)
                    + (entry.count.map { ", \($0) times" } ?? ""),
                Self.cell(entry.outcome) + (entry.lost.map { "; \($0) lines before were lost" } ?? ""),
            ]
        }
        return Self.table.lines([Self.header] + rows).map { $0 + "\n" }.joined()
    }

    /// The file may come from anywhere; no cell is longer than a screen.
    private static func cell(_ text: String) -> String { PrintableText(text, limit: 500).description }
}
