import Procedure
import Topology

extension ReportPage {
    /// What a light client of each side was answered along the run.
    var probes: [Markup] {
        let probed = report.probes ?? []
        guard let span = span(of: probed) else {
            return [Markup("p", ["class": "none"], "The probes' answers are not recorded.")]
        }
        return probed.flatMap { plots(of: $0, span) }
    }

    private func span(of probed: [RunReport.Probed]) -> ClosedRange<Int64>? {
        let times = probed.flatMap(\.points).map(\.at)
        guard let first = times.min(), let last = times.max() else { return nil }
        return first...last
    }

    private func plots(of probed: RunReport.Probed, _ span: ClosedRange<Int64>) -> [Markup] {
        let name = probed.side == .source ? "Source" : "Destination"
        let gaps = probed.points.map {
            ReportPlot.Column(at: $0.at, value: Int64($0.gap), kind: $0.gap > 1000 ? .mark : .fill)
        }
        let answers = probed.points.map {
            ReportPlot.Column(at: $0.at, value: Int64($0.worst), kind: .fill)
        }
        let slowest = probed.points.map(\.worst).max() ?? 0
        return [
            Markup("h3", "\(name), as its probe saw it"),
            Markup(
                "p",
                "\(probed.writes) writes acknowledged, \(probed.failures) requests came to nothing. The longest time between two "
                    + "acknowledged writes was \(Self.span(Int64(probed.longestGap))), the slowest answer took \(slowest) ms."
            ),
            Markup("ul", ["class": "lines"], probed.interruptions.map { Markup("li", Self.sentence($0)) }),
            figure("\(name): longest time between two acknowledged writes", gaps, span),
            figure("\(name): slowest answer", answers, span),
            figure("\(name): transactions of the present epoch (zxid)", transactions(probed), span, unit: ""),
        ]
    }

    private static func sentence(_ interruption: RunReport.Probed.Interruption) -> String {
        "No write was acknowledged for \(span(Int64(interruption.milliseconds))) from \(time(interruption.from)) on"
            + (interruption.isOpen ? ", and none after that." : ".")
    }

    private func transactions(_ probed: RunReport.Probed) -> [ReportPlot.Column] {
        probed.points.compactMap { point in
            guard let zxid = point.zxid.flatMap({ Zxid(hexadecimal: $0) }) else { return nil }
            return ReportPlot.Column(at: point.at, value: Int64(zxid.counter), kind: .second)
        }
    }

    private func figure(
        _ title: String,
        _ columns: [ReportPlot.Column],
        _ span: ClosedRange<Int64>,
        unit: String = " ms"
    ) -> Markup {
        let most = columns.map(\.value).max() ?? 0
        let caption =
            "\(title); the whole height is \(most)\(unit), from \(Self.time(span.lowerBound)) to \(Self.time(span.upperBound))."
        return Markup(
            "figure",
            [Markup("figcaption", caption), ReportPlot(columns: columns, span: span, most: most).markup]
        )
    }
}
