package import ControlProtocol
package import Fleet
import Printable

/// The rules of ours that a host's kernel holds, for a person.
package enum RulesText {
    /// Empty for a host that was not asked.
    package static func text(_ host: HostName, _ answer: Observation?) -> String {
        switch answer {
        case .status(let status):
            "\(host): \(status.rules.count) rules (\(status.rules.backend.rawValue))\n"
                + listing(status.rules.listing)
        case .silent(let reason): "\(host): no answer: \(PrintableText(reason))\n"
        case nil: ""
        }
    }

    /// Indented: whatever a host says, it never looks like a line about another one.
    private static func listing(_ text: String) -> String {
        guard !text.isEmpty else { return "" }
        return PrintableText(lines: text).description.split(separator: "\n", omittingEmptySubsequences: false)
            .map { "  \($0)\n" }.joined()
    }
}
