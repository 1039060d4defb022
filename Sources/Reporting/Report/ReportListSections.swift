extension ReportPage {
    private func none(_ sentence: String) -> [Markup] { [Markup("p", ["class": "none"], sentence)] }

    var proofs: ReportSection {
        let rows = report.proofs.map { proof in
            [
                Cell(proof.title), Cell(proof.result, proof.result == "proven" ? "good" : "bad"),
                Cell(([proof.summary] + proof.details).joined(separator: "\n"), "text"),
                Cell(Self.time(proof.at)),
            ]
        }
        let columns = [
            Column("Proof"), Column("Result"), Column("What it showed"), Column("When"),
        ]
        return ReportSection(
            "proofs",
            "Proofs",
            lead: "Each server used by itself, and both sides' trees read side by side.",
            rows.isEmpty
                ? none("No proof was made.")
                : [list("Smoke tests and comparisons, in their order", columns, rows)]
        )
    }

    var tests: ReportSection {
        let runs = report.tests.map { test in
            let (word, style) =
                switch test.result {
                case .done: ("passed", "good")
                case .failed: ("failed", "bad")
                case .intended: ("no verdict", "open")
                }
            let output = test.output.map {
                $0.isEmpty ? Markup("p", "It printed nothing.") : Markup("pre", $0)
            }
            return Markup(
                "details",
                test.result == .failed ? ["open": ""] : [:],
                [
                    Markup(
                        "summary",
                        [Markup("span", ["class": "tag \(style)"], word), Markup(" \(test.title)")]
                    ),
                    Markup("p", "\(test.step), attempt \(test.attempt), \(Self.time(test.at))."),
                    output ?? Markup("p", ["class": "none"], "The journal does not have what it printed."),
                ]
            )
        }
        return ReportSection(
            "tests",
            "Tests",
            lead: "The operator's own, as the plan names them, with what they printed.",
            runs.isEmpty ? none("No test of the operator's own was run.") : runs
        )
    }

    /// Versions are what some of these checks tell.
    var preflight: ReportSection {
        let rows = report.checks.map { check in
            [
                Cell(check.name), Cell(check.observed, "text"),
                Cell(check.traps.map(String.init).joined(separator: ", ")),
            ]
        }
        let columns = [Column("Check"), Column("What was seen"), Column("Traps")]
        return ReportSection(
            "preflight",
            "Versions and preflight",
            lead: "What was seen before anything was changed, versions and known faults among it.",
            rows.isEmpty
                ? none("No preflight has passed.")
                : [list("Every check of the preflight, and the traps of docs/procedure.md", columns, rows)]
        )
    }

    var clients: ReportSection {
        ReportSection(
            "clients",
            "Clients",
            lead: "The census right before the division: who holds what moves, and from where.",
            report.census.map { [Markup("p", $0)] }
                ?? none("Not recorded: the plan declares nothing that moves, or no census was made yet.")
        )
    }

    var configuration: ReportSection {
        let changes = report.files.map { file in
            let fate = file.putBackBy.map { "put back byte for byte by \($0)" } ?? "stays"
            let difference = file.difference.map { text in
                text.isEmpty ? Markup("p", "The same content as before.") : Markup("pre", text)
            }
            return Markup(
                "details",
                [
                    Markup("summary", "\(file.host): \(file.path) (\(fate))"),
                    Markup("p", "Written by \(file.step), \(Self.time(file.at))."),
                    difference ?? Markup("p", ["class": "none"], "The journal has no contents of this file."),
                ]
            )
        }
        return ReportSection(
            "configuration",
            "Configuration",
            lead: "Every file that was changed, as it was and as it was written; secrets are hidden.",
            changes.isEmpty ? none("No file was changed.") : changes
        )
    }

    var rules: ReportSection {
        let rows = report.walls.map { wall in
            [
                Cell(wall.host), Cell("\(wall.scope), against \(wall.peers.joined(separator: ", "))", "text"),
                Cell("\(Self.time(wall.raisedAt)), \(wall.raisedBy)"),
                Cell(wall.removedAt.map { "\(Self.time($0)), \(wall.removedBy ?? "")" } ?? "it stands"),
            ]
        }
        let columns = [Column("Host"), Column("Rejects"), Column("Raised"), Column("Removed")]
        return ReportSection(
            "rules",
            "Rules",
            lead: "The walls between both sides, from the commands that raised and removed them.",
            rows.isEmpty ? none("No wall was raised.") : [list("Walls by host", columns, rows)]
        )
    }

    var decisions: ReportSection {
        let waived = report.waived.map { Markup("li", $0) }
        let accepted = report.accepted.map { Markup("li", "\($0.step): \($0.reason)") }
        return ReportSection(
            "decisions",
            "Waivers",
            lead: "What the operator chose to do without, and where the run went on all the same.",
            (waived.isEmpty ? none("Nothing was waived.") : [Markup("ul", ["class": "lines"], waived)])
                + (accepted.isEmpty
                    ? none("No failed proof was accepted.") : [Markup("ul", ["class": "lines"], accepted)])
        )
    }

    var plan: ReportSection {
        let texts = [("The plan file", report.planText), ("The inventory", report.inventoryText)]
            .compactMap { title, text in
                text.map { Markup("details", [Markup("summary", title), Markup("pre", $0)]) }
            }
        return ReportSection(
            "plan",
            "Plan",
            lead: "As it was when the run began, sha256 \(report.planDigest.prefix(12)); secrets are hidden.",
            texts.isEmpty ? none("Not recorded: an earlier version has begun this run.") : texts
        )
    }
}
