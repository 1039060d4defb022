/// A report for a person, the same from both programs.
package enum HandMadeText {
    package static func text(_ report: HandMadeReport) -> String {
        var lines: [String] = []
        if report.removed > 0 {
            lines.append("\(report.removed) removed")
        }
        if let saved = report.saved { lines.append("saved before that: \(saved)") }
        lines.append("\(report.count) hand-made rules")
        lines += report.rules.map { rule in
            "  \(rule.place): \(rule.specification) (\(rule.count) x, \(rule.packets) packets)"
        }
        lines += more(report.count - report.rules.reduce(0) { $0 + $1.count })
        if report.copyCount > 0 {
            lines.append(
                "\(report.copyCount) places in files that bring them back; edit them, then look again"
            )
            lines += report.copies.map { copy in
                "  \(copy.path)\(copy.line.map { ":\($0)" } ?? ""): \(copy.what)"
            }
            lines += more(report.copyCount - report.copies.count)
        }
        if report.cutCount > 0 {
            lines.append(
                "\(report.cutCount) rules cut an address off by a set; they stay: take the address out of the set, "
                    + "or the rule away, then look again"
            )
            lines += report.cuts.map { rule in
                "  \(rule.place): \(rule.specification) (\(rule.count) x; \(rule.set): \(rule.reason))"
            }
            lines += more(report.cutCount - report.cuts.reduce(0) { $0 + $1.count })
        }
        if report.otherCount > 0 {
            lines.append("\(report.otherCount) other rules that concern an address; they stay")
            lines += report.others.map { rule in
                "  \(rule.place): \(rule.specification) (\(rule.count) x; \(rule.reason))"
            }
            lines += more(report.otherCount - report.others.reduce(0) { $0 + $1.count })
        }
        lines += report.problems.map { "problem: \($0)" }
        return lines.joined(separator: "\n")
    }

    private static func more(_ count: Int) -> [String] { count > 0 ? ["  and \(count) more"] : [] }
}
