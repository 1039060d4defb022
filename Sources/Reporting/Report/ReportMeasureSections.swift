extension ReportPage {
    /// A line of a plot: what, the number in words, and the bar.
    private func row(_ name: String, _ number: String, _ parts: [ReportBar.Part], of total: Int64) -> Markup {
        Markup(
            "tr",
            [
                Markup("th", ["scope": "row"], name),
                Markup("td", ["class": "number"], number),
                Markup("td", ["class": "graph"], [ReportBar(parts: parts, total: total).markup]),
            ]
        )
    }

    private func plot(_ caption: String, _ columns: (String, String, String), _ rows: [Markup]) -> Markup {
        let headings = Self.headings([(columns.0, nil), (columns.1, "number"), (columns.2, "graph")])
        return Markup(
            "table",
            ["class": "plot"],
            [Markup("caption", caption), Markup("thead", [headings]), Markup("tbody", rows)]
        )
    }

    private func missing(_ sentence: String) -> Markup { Markup("p", ["class": "none"], sentence) }

    var unavailability: ReportSection {
        let seen = report.unavailability
        let destination = seen.destination.map { milliseconds in
            let times = [seen.destinationFrom, seen.destinationTo].compactMap(\.self).map(Self.time)
            return
                "Destination: \(Self.span(milliseconds)) from the detaching of the first node until a leader served"
                + (times.isEmpty ? "" : ", \(times.joined(separator: " to "))") + "."
        }
        let source = seen.source.map {
            "Source: \(Self.span($0)) at most between two acknowledged writes of its probe."
        }
        return ReportSection(
            "unavailability",
            "Unavailability",
            lead:
                "Times without ZooKeeper, as this run saw them, beside what was predicted and what sessions outlast.",
            [
                Markup("p", destination ?? "Destination: no window was seen to its end."),
                Markup("p", source ?? "Source: not recorded; it was not probed."),
                windowPlot,
            ] + probes
        )
    }

    private var windowPlot: Markup {
        guard let window = report.window else { return missing("The window was not predicted.") }
        let sessions = window.sessions.sorted { $0.key < $1.key }
        let numbers = [Int64(window.predictedWithStall), window.seen ?? 0] + sessions.map { Int64($0.value) }
        let total = max(1, numbers.max() ?? 1)
        var rows = [
            row("predicted", Self.span(Int64(window.predicted)), [.init(Int64(window.predicted))], of: total)
        ]
        if let seen = window.seen {
            rows.append(row("seen", Self.span(seen), [.init(seen, .mark)], of: total))
        }
        rows.append(
            row(
                "if an election stalls",
                Self.span(Int64(window.predictedWithStall)),
                [.init(Int64(window.predictedWithStall))],
                of: total
            )
        )
        rows += sessions.map { client, timeout in
            row(
                "session of \(client)",
                Self.span(Int64(timeout)),
                [.init(Int64(timeout), .second)],
                of: total
            )
        }
        return plot(
            "The window, and how long clients' sessions outlast it",
            ("", "Lasts", "Side by side"),
            rows
        )
    }

    var measures: ReportSection {
        ReportSection(
            "measures",
            "Measures",
            lead: "Where histories ended, how long nodes took to start, and how fast servers answered.",
            [
                Markup("h3", "Ends of histories (zxid)"), historyPlot, Markup("h3", "Starts of nodes"),
                startPlot, Markup("h3", "Latencies"),
            ] + latencyPlots
        )
    }

    private var historyPlot: Markup {
        guard !report.histories.isEmpty else { return missing("No node was detached.") }
        let most = report.histories.compactMap(\.behind).max() ?? 0
        let rows = report.histories.map { node in
            let bar = node.behind.map { behind in
                ReportBar(
                    parts: behind == 0 ? [] : [.init(Int64(clamping: behind), .second)],
                    total: Int64(clamping: max(most, 1))
                ).markup
            }
            return [
                Cell(node.host), Cell([Markup("code", node.zxid)]), Cell("\(node.epoch)", "number"),
                Cell(behind(node), "number"), Cell([bar].compactMap(\.self), "drawn"),
                Cell(node.proof, node.isProven ? "text good" : "text bad"),
            ]
        }
        let caption =
            "What each node held when it was detached"
            + (report.split.map { "; the last transaction before the division is \($0)" } ?? "")
        let columns: [Column] = [
            Column("Node"), Column("Last zxid"), Column("Epoch", "number"),
            Column("Behind the freshest", "number"), Column(""), Column("Proof"),
        ]
        return list(caption, columns, rows)
    }

    private func behind(_ node: RunReport.NodeHistory) -> String {
        guard let behind = node.behind else { return "in an earlier epoch" }
        return behind == 0 ? "none" : "\(behind) transaction\(behind == 1 ? "" : "s")"
    }

    private var startPlot: Markup {
        guard !report.starts.isEmpty else { return missing("No node was started by this run.") }
        let total = Int64(max(1, report.starts.compactMap(\.milliseconds).max() ?? 1))
        return plot(
            "From the start of a node's process until it served",
            ("Node", "Took", "Side by side"),
            report.starts.map { start in
                guard let took = start.milliseconds else {
                    return row(start.host, "not seen", [], of: total)
                }
                return row(start.host, Self.span(Int64(took)), [.init(Int64(took))], of: total)
            }
        )
    }

    private var latencyPlots: [Markup] {
        let proofs = report.proofs.filter { $0.latencies?.isEmpty == false }
        guard !proofs.isEmpty else {
            return [missing("Not recorded: the journal keeps them from the smoke tests of this version on.")]
        }
        let total = Int64(max(1, proofs.flatMap { ($0.latencies ?? [:]).values }.max() ?? 1))
        return proofs.map { proof in
            plot(
                "Slowest answer of each server in the smoke test \(proof.step), \(Self.time(proof.at))",
                ("Server", "Took", "Side by side"),
                (proof.latencies ?? [:]).sorted { $0.key < $1.key }.map { server, latency in
                    row(server, "\(latency) ms", [.init(Int64(latency))], of: total)
                }
            )
        }
    }

    /// A heading, and its cells' labels where a row is shown line by line.
    struct Column {
        let title: String
        let style: StaticString?

        init(_ title: String, _ style: StaticString? = nil) {
            self.title = title
            self.style = style
        }
    }

    struct Cell {
        let content: [Markup]
        let style: StaticString?

        init(_ content: [Markup], _ style: StaticString? = nil) {
            self.content = content
            self.style = style
        }

        init(_ text: String, _ style: StaticString? = nil) {
            self.init(text.isEmpty ? [] : [Markup(text)], style)
        }
    }

    /// Each row's first cell names it.
    func list(_ caption: String, _ columns: [Column], _ rows: [[Cell]]) -> Markup {
        let lines = rows.map { cells in
            Markup(
                "tr",
                zip(columns, cells).enumerated().map { index, pair in
                    let (column, cell) = pair
                    if index == 0 { return Markup("th", ["scope": "row"], cell.content) }
                    let style = cell.style.map { "\($0)" } ?? ""
                    guard !column.title.isEmpty else { return Markup("td", ["class": style], cell.content) }
                    return Markup("td", ["class": style, "data-label": column.title], cell.content)
                }
            )
        }
        return Markup(
            "table",
            ["class": "list"],
            [
                Markup("caption", caption),
                Markup("thead", [Self.headings(columns.map { ($0.title, $0.style) })]),
                Markup("tbody", lines),
            ]
        )
    }
}
