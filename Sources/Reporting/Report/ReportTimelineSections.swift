import Procedure

extension ReportPage {
    var sections: [ReportSection] {
        let rehearsals = report.rehearsal.map { [rehearsal($0)] } ?? []
        return rehearsals + [
            summary, timeline, unavailability, measures, proofs, tests, preflight, clients, configuration,
            rules,
            decisions, plan,
        ]
    }

    private var summary: ReportSection {
        let tiles = report.summary.map { claim in
            Markup(
                "div",
                ["class": Self.style(of: claim.judgement)],
                [
                    Markup("dt", "\(claim.title)"),
                    Markup("dd", ["class": "value"], claim.value),
                    Markup("dd", ["class": "why"], [Markup(claim.detail)] + links(claim.steps)),
                ]
            )
        }
        return ReportSection("summary", "Summary", [Markup("dl", ["class": "tiles"], tiles)])
    }

    private static func style(of judgement: RunReport.Claim.Judgement) -> String {
        switch judgement {
        case .good: "good"
        case .bad: "bad"
        case .open: "open"
        case .notRecorded: "none"
        }
    }

    /// To the last attempts at the steps that say so.
    private func links(_ steps: [String]) -> [Markup] {
        let attempts = report.stages.flatMap(\.steps)
        let links = steps.compactMap { step in
            attempts.last { $0.step == step }.map { attempt in
                Markup("a", ["href": "#step-\(attempt.number)"], step)
            }
        }
        guard !links.isEmpty else { return [] }
        let separated = links.enumerated().flatMap { $0 == 0 ? [$1] : [Markup(", "), $1] }
        return [Markup(" (")] + separated + [Markup(")")]
    }

    private var timeline: ReportSection {
        guard !report.stages.isEmpty else {
            return ReportSection("timeline", "Timeline", [Markup("p", "No step was begun yet.")])
        }
        let total = max(1, report.activeMilliseconds)
        let rows = report.stages.map { visit in
            Markup(
                "tr",
                [
                    Markup("th", ["scope": "row"], visit.name),
                    Markup("td", ["class": "number"], Self.span(visit.milliseconds)),
                    Markup(
                        "td",
                        ["class": "graph"],
                        [
                            ReportBar(
                                parts: [.init(from: visit.steps.first?.offset ?? 0, visit.milliseconds)],
                                total: total
                            ).markup
                        ]
                    ),
                ]
            )
        }
        let table = Markup(
            "table",
            ["class": "plot"],
            [
                Markup("caption", "Stages along the run, \(Self.span(total)) without pauses"),
                Markup(
                    "thead",
                    [Self.headings([("Stage", nil), ("Took", "number"), ("Along the run", "graph")])]
                ), Markup("tbody", rows + [windowRow(total)].compactMap(\.self)),
            ]
        )
        return ReportSection(
            "timeline",
            "Timeline",
            lead: "Each step opens to what was commanded, and what was seen before the next one could begin.",
            [table] + report.stages.flatMap { stage($0, total) }
        )
    }

    /// Where along the run the destination had no leader.
    private func windowRow(_ total: Int64) -> Markup? {
        guard let opened = report.unavailability.destinationFrom,
            let seen = report.unavailability.destination,
            let near = report.stages.flatMap(\.steps).last(where: { $0.intendedAt <= opened })
        else { return nil }
        let offset = near.offset + (opened - near.intendedAt)
        return Markup(
            "tr",
            [
                Markup("th", ["scope": "row"], "the window"),
                Markup("td", ["class": "number"], Self.span(seen)),
                Markup(
                    "td",
                    ["class": "graph"],
                    [ReportBar(parts: [.init(from: offset, seen, .mark)], total: total).markup]
                ),
            ]
        )
    }

    private func stage(_ visit: RunReport.Visit, _ total: Int64) -> [Markup] {
        let items = visit.steps.flatMap { attempt -> [Markup] in
            let pause = attempt.pauseBefore.map { pause in
                Markup("li", ["class": "pause"], "Nothing was done for \(Self.span(pause)).")
            }
            return [pause].compactMap(\.self) + [item(attempt, total)]
        }
        let title = visit.title == visit.name ? visit.name : "\(visit.name): \(visit.title)"
        return [Markup("h3", title), Markup("ol", ["class": "steps"], items)]
    }

    private func item(_ attempt: RunReport.Attempt, _ total: Int64) -> Markup {
        let tag: Markup? =
            switch attempt.result {
            case .done: nil
            case .failed: Markup("span", ["class": "tag bad"], " failed")
            case .intended: Markup("span", ["class": "tag open"], " no verdict")
            }
        let again =
            attempt.attempt > 1 ? Markup("span", ["class": "tag open"], " attempt \(attempt.attempt)") : nil
        let summary = Markup(
            "summary",
            [
                Markup("span", ["class": "sign", "aria-hidden": "true"], ""),
                Markup(
                    "span",
                    ["class": "what"],
                    [Markup(attempt.title), again, tag].compactMap(\.self)
                ),
                Markup(
                    "span",
                    ["class": "number"],
                    attempt.decidedAt == nil ? "-" : Self.span(attempt.milliseconds)
                ),
                ReportBar(
                    parts: [
                        .init(
                            from: attempt.offset,
                            attempt.milliseconds,
                            attempt.result == .done ? .fill : .mark
                        )
                    ],
                    total: total
                ).markup,
            ]
        )
        let attributes: KeyValuePairs<StaticString, String> =
            attempt.result == .done
            ? ["id": "step-\(attempt.number)"] : ["id": "step-\(attempt.number)", "open": ""]
        return Markup("li", [Markup("details", attributes, [summary, more(attempt)])])
    }

    private func more(_ attempt: RunReport.Attempt) -> Markup {
        let commands = attempt.commands.map { Markup("li", "\($0.host): \($0.command)") }
        let verdict =
            switch attempt.result {
            case .done: attempt.observed ?? ""
            case .failed: "Failed: \(attempt.observed ?? "")"
            case .intended: "Intended, and no verdict: it may have happened."
            }
        return Markup(
            "div",
            ["class": "more"],
            [
                Markup("p", ["class": "id"], "\(attempt.step), \(Self.time(attempt.intendedAt))"),
                commands.isEmpty ? nil : Markup("ul", commands),
                verdict.isEmpty ? nil : Markup("p", verdict),
            ].compactMap(\.self)
        )
    }

    static func headings(_ columns: [(title: String, style: StaticString?)]) -> Markup {
        Markup(
            "tr",
            columns.map { column in
                guard let style = column.style else { return Markup("th", ["scope": "col"], column.title) }
                return Markup("th", ["scope": "col", "class": "\(style)"], column.title)
            }
        )
    }
}
