import Topology

/// Columns along the time of a run; whoever cannot see them has the numbers in a sentence above.
struct ReportPlot {
    struct Column {
        /// Unix milliseconds.
        let at: Int64
        let value: Int64
        let kind: ReportBar.Kind
    }

    private static let width: Int64 = 1000
    private static let height: Int64 = 120
    private static let narrowest: Int64 = 2
    private static let widest: Int64 = 40

    let columns: [Column]
    let span: ClosedRange<Int64>
    /// What the whole height stands for.
    let most: Int64

    /// As wide as most of them are apart: none hides its neighbour.
    private func columnWidth(along length: Int64) -> Int64 {
        let times = columns.map(\.at).sorted()
        let apart = zip(times, times.dropFirst()).map { $1.minus(saturating: $0) }.sorted()
        guard !apart.isEmpty else { return Self.widest }
        let room = min(length, apart[apart.count / 2]) * Self.width / length
        return min(max(Self.narrowest, room - 1), Self.widest)
    }

    /// `data-` attributes let a program compare it with the report.
    var markup: Markup {
        let length = max(1, span.upperBound - span.lowerBound)
        let wide = columnWidth(along: length)
        let shapes = columns.map { column in
            let place = min(max(0, column.at - span.lowerBound), length)
            let tall = min(max(0, column.value), max(1, most)) * Self.height / max(1, most)
            return Markup.shape(
                "rect",
                [
                    "class": column.kind.rawValue, "x": "\(place * (Self.width - wide) / length)",
                    "width": "\(wide)",
                    "y": "\(Self.height - tall)", "height": "\(tall)", "data-at": "\(column.at)",
                    "data-value": "\(column.value)",
                ]
            )
        }
        let ground = Markup.shape(
            "rect",
            ["class": "track", "x": "0", "width": "\(Self.width)", "y": "\(Self.height - 1)", "height": "1"]
        )
        return Markup(
            "svg",
            [
                "class": "time", "viewBox": "0 0 \(Self.width) \(Self.height)", "preserveAspectRatio": "none",
                "aria-hidden": "true", "focusable": "false",
            ],
            [ground] + shapes
        )
    }
}
