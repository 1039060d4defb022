import ControlProtocol
import Procedure

/// A report as one page of HTML: nothing is loaded from anywhere, and no script runs.
package struct ReportPage: Sendable {
    /// How every such page begins, whatever made it.
    package static let beginning =
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta name=\"generator\" content=\"mitosis report\">"

    let report: RunReport

    package init(_ report: RunReport) { self.report = report }

    package var html: String {
        let parts = sections
        return Markup.document([
            Markup(
                "html",
                ["lang": "en"],
                [
                    head,
                    Markup(
                        "body",
                        [
                            Markup("a", ["class": "skip", "href": "#main"], "To the report"),
                            header, navigation(parts),
                            Markup("main", ["id": "main"], parts.map(\.markup)), footer,
                        ]
                    ),
                ]
            )
        ])
    }

    private var head: Markup {
        Markup(
            "head",
            [
                .void("meta", ["name": "generator", "content": "mitosis report"]),
                .void("meta", ["charset": "utf-8"]),
                .void(
                    "meta",
                    ["http-equiv": "Content-Security-Policy", "content": ReportStyle.policy]
                ),
                .void("meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"]),
                .void("meta", ["name": "color-scheme", "content": "light dark"]),
                .void("meta", ["name": "referrer", "content": "no-referrer"]),
                Markup("title", "\(report.plan): \(report.state.rawValue) - mitosis report"),
                .style(ReportStyle.sheet),
            ]
        )
    }

    private var header: Markup {
        let ended = report.endedAt.map { Markup("li", "ended \(Self.time($0))") }
        return Markup(
            "header",
            [
                Markup("p", ["class": "brand"], [Self.emblem, Markup("Mitosis, report of a run")]),
                Markup("h1", report.plan),
                Markup("p", [Markup("span", ["class": "pill \(stateClass)"], report.state.rawValue)]),
                Markup(
                    "ul",
                    ["class": "facts"],
                    [
                        Markup("li", [Markup("run "), Markup("code", report.run)]),
                        Markup("li", "began \(Self.time(report.startedAt))"),
                        ended,
                        Markup("li", "took \(Self.span(report.activeMilliseconds))"),
                        report.setting.map { Markup("li", "strategy \($0.strategy)") },
                    ].compactMap(\.self)
                ),
                report.advice.map { Markup("p", "The migration is \(report.standing): \($0).") },
            ].compactMap(\.self)
        )
    }

    /// One cell that becomes two.
    private static var emblem: Markup {
        let circles: [Markup] = [
            .shape("circle", ["cx": "13", "cy": "14", "r": "10"]),
            .shape("circle", ["cx": "29", "cy": "14", "r": "10"]),
            .shape("circle", ["class": "core", "cx": "13", "cy": "14", "r": "3.5"]),
            .shape("circle", ["class": "core", "cx": "29", "cy": "14", "r": "3.5"]),
        ]
        return Markup(
            "svg",
            [
                "width": "42", "height": "28", "viewBox": "0 0 42 28", "aria-hidden": "true",
                "focusable": "false",
            ],
            circles
        )
    }

    private var stateClass: String {
        switch report.state {
        case .finished: "good"
        case .stopped: report.standing == .dividing ? "bad" : "open"
        case .withdrawn, .underWay: "open"
        }
    }

    private func navigation(_ parts: [ReportSection]) -> Markup {
        let links = parts.map { part in
            Markup("li", [Markup("a", ["href": "#\(part.id)"], part.title)])
        }
        return Markup("nav", ["aria-label": "Parts of the report"], [Markup("ul", links)])
    }

    private var footer: Markup {
        let missing = report.notRecorded
        return Markup(
            "footer",
            [
                missing.isEmpty
                    ? nil : Markup("p", "Not recorded by this run: \(missing.joined(separator: "; "))."),
                Markup(
                    "p",
                    "Made by \(report.program) from the run's journal, \(Self.time(report.madeAt)). Times are the "
                        + "coordinator's, in UTC. This page loads nothing and runs no script."
                ),
            ].compactMap(\.self)
        )
    }

    /// To the second, as people write it.
    static func time(_ milliseconds: Int64) -> String {
        UnixTime.text(milliseconds).replacing("T", with: " ").replacing("Z", with: " UTC")
    }

    static func span(_ milliseconds: Int64) -> String {
        guard milliseconds >= 60_000 else { return RunPrinter.seconds(Int(clamping: milliseconds)) }
        let seconds = (milliseconds + 500) / 1000
        let (hours, minutes) = (seconds / 3600, seconds / 60 % 60)
        return (hours > 0 ? "\(hours) h " : "") + "\(minutes) min \(seconds % 60) s"
    }
}

/// A part of the page, as the list of parts names it.
struct ReportSection {
    let id: String
    let title: String
    let markup: Markup

    init(_ id: StaticString, _ title: String, lead: String? = nil, _ content: [Markup]) {
        self.id = "\(id)"
        self.title = title
        markup = Markup(
            "section",
            ["id": "\(id)", "aria-labelledby": "\(id)-title"],
            [Markup("h2", ["id": "\(id)-title"], title)]
                + [lead.map { Markup("p", ["class": "lead"], $0) }].compactMap(\.self) + content
        )
    }
}
