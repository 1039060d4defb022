package import ControlProtocol
package import Fleet
import Printable

/// What hosts hold of rules that somebody made by hand: each host as it answers, and what it comes to.
package struct HandMadeHostText: Sendable {
    /// A line of the output for programs.
    private struct Line: Encodable {
        let host: String
        var handMade: HandMadeReport?
        var silent: String?
    }

    private struct Sum: Encodable {
        let hosts: Int
        let clean: Int
        let notClean: Int
        let silent: Int
    }

    private let isJSON: Bool
    private var clean = 0
    private var notClean: Set<HostName> = []
    private var silent: Set<HostName> = []

    package init(json: Bool) { isJSON = json }

    /// Whether every host that was told is proven clean.
    package var isClean: Bool { notClean.isEmpty && silent.isEmpty }

    package mutating func told(_ host: HostName, _ answer: HandMadeAnswer) -> String {
        switch answer {
        case .read(let report):
            if report.isClean { clean += 1 } else { notClean.insert(host) }
            return isJSON
                ? CleaningText.json(Line(host: host.description, handMade: report))
                : "\(host): \(report.isClean ? "clean" : "not clean")\n" + Self.indented(report)
        case .unknown(let reason):
            silent.insert(host)
            return isJSON
                ? CleaningText.json(Line(host: host.description, silent: reason))
                : "\(host): not known: \(PrintableText(reason))\n"
        }
    }

    /// What all of it comes to, the hosts in their own order.
    package func end() -> String {
        let hosts = clean + notClean.count + silent.count
        guard !isJSON else {
            return CleaningText.json(
                Sum(hosts: hosts, clean: clean, notClean: notClean.count, silent: silent.count)
            )
        }
        var text = "\(hosts) hosts: \(clean) clean, \(notClean.count) not clean, \(silent.count) not known\n"
        if !notClean.isEmpty { text += "not clean: \(notClean.sorted().listed())\n" }
        if !silent.isEmpty { text += "not known: \(silent.sorted().listed())\n" }
        return text
    }

    /// Whatever a host says, it never looks like a line about another one.
    static func indented(_ report: HandMadeReport) -> String {
        PrintableText(lines: HandMadeText.text(report)).description
            .split(separator: "\n", omittingEmptySubsequences: false).map { "  \($0)\n" }.joined()
    }
}
