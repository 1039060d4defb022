package import ControlProtocol
package import Fleet
import Printable

/// The rules of ours that hosts' kernels hold: each host as it answers, and what it comes to.
package struct RulesText: Sendable {
    /// A line of the output for programs.
    private struct Line: Encodable {
        let host: String
        var rules: InstalledRules?
        var silent: String?
    }

    private struct Sum: Encodable {
        let hosts: Int
        let clear: Int
        let withRules: Int
        let unreadable: Int
        let silent: Int
    }

    private let isJSON: Bool
    private var counts: [HostName: Int] = [:]
    private var unreadable: Set<HostName> = []
    private var silent: Set<HostName> = []

    package init(json: Bool = false) { isJSON = json }

    /// Whether the rules of every host that was told are known.
    package var isWhole: Bool { silent.isEmpty && unreadable.isEmpty }

    /// What one host says.
    package mutating func told(_ host: HostName, _ answer: Observation) -> String {
        switch answer {
        case .status(let status):
            counts[host] = status.rules.count
            if status.rules.unreadable != nil { unreadable.insert(host) }
            return isJSON
                ? CleaningText.json(Line(host: host.description, rules: status.rules))
                : Self.text(host, status.rules) + Self.text(host, status.order)
        case .silent(let reason):
            silent.insert(host)
            return isJSON
                ? CleaningText.json(Line(host: host.description, silent: reason))
                : "\(host): no answer: \(PrintableText(reason))\n"
        }
    }

    /// What all of it comes to, the hosts in their own order.
    package func end() -> String {
        let left = counts.filter { $0.value > 0 && !unreadable.contains($0.key) }
        let clear = counts.count { $0.value == 0 }
        let hosts = counts.count + silent.count
        guard !isJSON else {
            return CleaningText.json(
                Sum(
                    hosts: hosts,
                    clear: clear,
                    withRules: left.count,
                    unreadable: unreadable.count,
                    silent: silent.count
                )
            )
        }
        var text =
            "\(hosts) hosts: \(clear) without a rule of ours, \(left.count) with, \(unreadable.count) unreadable, "
            + "\(silent.count) silent\n"
        if !left.isEmpty {
            let named = left.keys.sorted().map { "\($0) (\(left[$0] ?? 0))" }
            text += "with rules: \(named.listed())\n"
        }
        if !unreadable.isEmpty { text += "unreadable: \(unreadable.sorted().listed())\n" }
        if !silent.isEmpty { text += "silent: \(silent.sorted().listed())\n" }
        return text
    }

    private static func text(_ host: HostName, _ rules: InstalledRules) -> String {
        if let reason = rules.unreadable {
            return "\(host): its rules (\(rules.backend.rawValue)) cannot be read: \(PrintableText(reason))\n"
        }
        return "\(host): \(rules.count) rules (\(rules.backend.rawValue))\n" + listing(rules.listing)
    }

    private static func text(_ host: HostName, _ order: OrderState?) -> String {
        order.map { "\(host): \(PrintableText($0.description))\n" } ?? ""
    }

    /// Indented: whatever a host says, it never looks like a line about another one.
    private static func listing(_ text: String) -> String {
        guard !text.isEmpty else { return "" }
        return PrintableText(lines: text).description.split(separator: "\n", omittingEmptySubsequences: false)
            .map { "  \($0)\n" }.joined()
    }
}
