package import Rehearsals
import Tables

extension RehearsalOutcome {
    /// What is told before anything begins.
    package static func introduction(_ rehearsal: Rehearsal) -> [String] {
        ["Rehearsal of \(rehearsal.setup.plan) on this machine; nothing of yours is contacted.", ""]
            + mapping(rehearsal.hosts) + ["", "otherwise than there"] + rehearsal.remarks.map { "  \($0)" }
            + [""]
    }

    /// For people, at the end.
    package var lines: [String] {
        var all = ["", "Rehearsal of \(plan)", ""] + Self.mapping(hosts)
        all += ["", "otherwise than there"] + remarks.map { "  \($0)" }
        all += ["", "what came of it"]
        all.append("  window       predicted \(Self.span(predicted)), seen \(Self.span(seen))")
        all.append("  writes       acknowledged \(acknowledged), lost \(lost)")
        all.append("  rules left   \(rulesLeft)")
        all.append("  trees        \(isEqual ? "equal" : "not found equal")")
        if !tests.isEmpty {
            // A test must not be able to write lines of ours.
            all +=
                ["", "your tests"]
                + tests.map { test in
                    "  \(test.result.rawValue)  \(test.name): \(test.said.replacing("\n", with: " "))"
                }
        }
        if !faults.isEmpty {
            all += ["", "faults, each in a run of its own"]
            for fault in faults {
                all.append(
                    "  \(fault.result.rawValue)  \(fault.kind) on \(fault.host), \(fault.step) \(fault.moment): \(fault.said)"
                )
            }
        }
        if !problems.isEmpty {
            all += ["", "NOT as it must be:"] + problems.prefix(20).map { "  \($0)" }
            if problems.count > 20 { all.append("  and \(problems.count - 20) more") }
        }
        return all
    }

    private static func mapping(_ hosts: [Host]) -> [String] {
        Table([.fitted, .fitted, .fitted, .fitted], gap: 2).lines(
            [["  your host", "address", "here", "address"]]
                + hosts.map { host in
                    [
                        "  \(host.host) (\(host.part))", host.address, host.here ?? "nobody",
                        host.hereAddress ?? "",
                    ]
                }
        )
    }

    private static func span(_ milliseconds: Int?) -> String {
        milliseconds.map { LabSummary.seconds(Double($0) / 1000) } ?? "not recorded"
    }
}
