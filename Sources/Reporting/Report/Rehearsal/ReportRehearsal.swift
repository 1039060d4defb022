package import Rehearsals

extension RunReport {
    /// The same, as the report of a rehearsal.
    package func of(_ rehearsal: RehearsalOutcome) -> RunReport {
        var report = self
        report.rehearsal = rehearsal
        return report
    }
}

extension ReportPage {
    /// First of what a rehearsal's report says: what it was one of, and what was tried in it.
    func rehearsal(_ outcome: RehearsalOutcome) -> ReportSection {
        let remarks = outcome.remarks.map { Markup("li", $0) }
        let problems = outcome.problems.map { Markup("li", $0) }
        return ReportSection(
            "rehearsal",
            "Rehearsal",
            lead:
                "This was no migration: it is what became of an example set-up on one machine, made after the plan \(outcome.plan).",
            [
                Markup("p", Self.sentence(outcome)), hosts(outcome.hosts),
                Markup("h3", "Otherwise than there"),
                remarks.isEmpty
                    ? Markup("p", ["class": "none"], "Nothing is known of.")
                    : Markup("ul", ["class": "lines"], remarks),
            ]
                + (problems.isEmpty
                    ? []
                    : [Markup("h3", "Not as it must be"), Markup("ul", ["class": "lines"], problems)])
                + tests(outcome.tests) + faults(outcome.faults)
        )
    }

    private static func sentence(_ outcome: RehearsalOutcome) -> String {
        let window = [("predicted", outcome.predicted), ("seen", outcome.seen)].map { word, span in
            "\(word) \(span.map { Self.span(Int64($0)) } ?? "not recorded")"
        }
        return
            "Window: \(window.joined(separator: ", ")). Of \(outcome.acknowledged) writes that were acknowledged \(outcome.lost) were lost; "
            + "\(outcome.rulesLeft) rules were left; trees \(outcome.isEqual ? "equal" : "not found equal")."
    }

    private func hosts(_ hosts: [RehearsalOutcome.Host]) -> Markup {
        let rows = hosts.map { host in
            [
                Cell(host.host), Cell(host.part), Cell(host.address), Cell(host.here ?? "nobody"),
                Cell(host.hereAddress ?? ""),
            ]
        }
        let columns = [
            Column("Host"), Column("Part"), Column("Address"), Column("Here"), Column("Address here"),
        ]
        return list("The plan's hosts, and what stood for each", columns, rows)
    }

    private func tests(_ tests: [RehearsalOutcome.Test]) -> [Markup] {
        guard !tests.isEmpty else { return [] }
        let rows = tests.map { test in
            [
                Cell(test.name), Cell(test.result.rawValue, Self.style(of: test.result)),
                Cell(test.said, "text"),
            ]
        }
        let columns = [Column("Test"), Column("Result"), Column("What it said")]
        return [list("The plan's own tests, in the rehearsal", columns, rows)]
    }

    private func faults(_ faults: [RehearsalOutcome.Fault]) -> [Markup] {
        guard !faults.isEmpty else {
            return [Markup("p", ["class": "none"], "No fault was tried.")]
        }
        let rows = faults.map { fault in
            [
                Cell("\(fault.kind) on \(fault.host)"), Cell("\(fault.step), when it had \(fault.moment)"),
                Cell(fault.result.rawValue, Self.style(of: fault.result)), Cell(fault.said, "text"),
            ]
        }
        let columns = [Column("Fault"), Column("Where"), Column("Result"), Column("What came of it")]
        return [list("Faults that were tried, each in a run of its own", columns, rows)]
    }

    private static func style(of result: RehearsalOutcome.Result) -> StaticString {
        switch result {
        case .passed: "good"
        case .failed: "bad"
        case .notTried: "open"
        }
    }
}
