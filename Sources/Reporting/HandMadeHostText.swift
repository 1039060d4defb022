package import ControlProtocol
package import Fleet
import Printable

/// What a host holds of rules that somebody made by hand, for a person.
package enum HandMadeHostText {
    package static func text(_ host: HostName, _ outcome: HandMadeCleaning.Outcome) -> String {
        switch outcome {
        case .read(let report):
            // Indented: whatever a host says, it never looks like a line about another one.
            "\(host): \(report.isClean ? "clean" : "not clean")\n"
                + PrintableText(lines: HandMadeText.text(report)).description
                .split(separator: "\n", omittingEmptySubsequences: false).map { "  \($0)" }
                .joined(separator: "\n")
        case .failed(let reason): reason
        case .silent: "\(host): no answer; not looked at"
        }
    }
}
