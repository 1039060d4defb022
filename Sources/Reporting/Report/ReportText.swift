import FoundationEssentials
import Printable

/// A report for a program, and its summary for a terminal.
extension RunReport {
    package func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return PrintableText.json(String(decoding: try encoder.encode(self), as: UTF8.self)) + "\n"
    }

    package var text: String {
        let head = "run \(run)  \(state.rawValue)\n"
        let width = summary.map(\.title.count).max() ?? 0
        return head
            + summary.map { claim in
                let title = claim.title + String(repeating: " ", count: width - claim.title.count)
                return "  \(title)  \(claim.value)  (\(claim.detail.replacing("\n", with: " ")))\n"
            }.joined()
    }
}
