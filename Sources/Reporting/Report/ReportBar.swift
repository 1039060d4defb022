/// A bar along a line that stands for a whole; its numbers stand beside it as text.
struct ReportBar {
    enum Kind: String {
        case fill
        case second
        case mark
    }

    struct Part {
        let from: Int64
        let length: Int64
        let kind: Kind

        init(from: Int64 = 0, _ length: Int64, _ kind: Kind = .fill) {
            self.from = from
            self.length = length
            self.kind = kind
        }
    }

    /// In hundredths of a per cent: what is shorter could not be seen.
    private static let shortest: Int64 = 60
    private static let whole: Int64 = 10_000

    let parts: [Part]
    let total: Int64

    /// Whoever cannot see it has the numbers; `data-` attributes let a program compare it with the report.
    var markup: Markup {
        let shapes = parts.map { part in
            let width = min(max(Self.share(part.length, of: total), Self.shortest), Self.whole)
            let start = min(Self.share(part.from, of: total), Self.whole - width)
            return Markup.shape(
                "rect",
                [
                    "class": part.kind.rawValue, "x": Self.percent(start), "width": Self.percent(width),
                    "y": "1", "height": "12", "rx": "3", "data-from": "\(part.from)",
                    "data-length": "\(part.length)", "data-total": "\(total)",
                ]
            )
        }
        let track = Markup.shape(
            "rect",
            ["class": "track", "width": "100%", "y": "1", "height": "12", "rx": "3"]
        )
        return Markup("svg", ["class": "bar", "aria-hidden": "true", "focusable": "false"], [track] + shapes)
    }

    private static func share(_ value: Int64, of total: Int64) -> Int64 {
        guard total > 0 else { return 0 }
        return Int64((Double(max(0, value)) / Double(total) * Double(whole)).rounded())
    }

    private static func percent(_ hundredths: Int64) -> String {
        let rest = hundredths % 100
        return "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest)%"
    }
}
