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

    let columns: [Column]
    let span: ClosedRange<Int64>
    /// What the whole height stands for.
    let most: Int64

    /// `data-` attributes let a program compare it with the report.
    var markup: Markup {
        let length = max(1, span.upperBound - span.lowerBound)
        let wide = max(Self.narrowest, Self.width / Int64(max(1, columns.count)) - 1)
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
