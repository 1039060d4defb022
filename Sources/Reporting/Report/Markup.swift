import Printable

/// A piece of a page, well-formed by how it is made: names are ours, and all else is text.
package struct Markup: Hashable, Sendable, CustomStringConvertible {
    package let description: String

    private init(raw: String) { description = raw }

    /// Foreign text, which is shown and is never anything else; line feeds stay.
    package init(_ text: String) { self.init(raw: Self.escaped(PrintableText(lines: text).description)) }

    /// - Parameter attributes: their values may be foreign.
    package init(
        _ name: StaticString,
        _ attributes: KeyValuePairs<StaticString, String>,
        _ content: [Markup]
    ) {
        let inner = content.map(\.description).joined()
        let end = Self.blocks.contains("\(name)") ? "\n" : ""
        self.init(raw: "<\(name)\(Self.text(attributes))>\(inner)</\(name)>\(end)")
    }

    package init(_ name: StaticString, _ content: [Markup]) { self.init(name, [:], content) }

    package init(_ name: StaticString, _ text: String) { self.init(name, [:], [Markup(text)]) }

    package init(
        _ name: StaticString,
        _ attributes: KeyValuePairs<StaticString, String>,
        _ text: String
    ) {
        self.init(name, attributes, [Markup(text)])
    }

    /// An element without content, such as `meta`.
    package static func void(_ name: StaticString, _ attributes: KeyValuePairs<StaticString, String>)
        -> Markup
    {
        Markup(raw: "<\(name)\(text(attributes))>\n")
    }

    /// A shape within an `svg`.
    package static func shape(_ name: StaticString, _ attributes: KeyValuePairs<StaticString, String>)
        -> Markup
    {
        Markup(raw: "<\(name)\(text(attributes))/>")
    }

    /// A style sheet of ours, exactly as it stands: a page's policy names its digest.
    package static func style(_ sheet: StaticString) -> Markup { Markup(raw: "<style>\(sheet)</style>\n") }

    package static func document(_ content: [Markup]) -> String {
        "<!DOCTYPE html>\n" + content.map(\.description).joined()
    }

    /// Elements behind which a line of the file ends.
    private static let blocks: Set<String> = [
        "head", "title", "body", "header", "nav", "main", "section", "footer", "div", "p", "h1", "h2",
        "h3", "ul", "ol", "li", "dl", "dt", "dd", "table", "caption", "thead", "tbody", "tr", "details",
        "summary", "pre", "figure", "figcaption",
    ]

    private static func text(_ attributes: KeyValuePairs<StaticString, String>) -> String {
        attributes.map { name, value in " \(name)=\"\(escaped(PrintableText(value).description))\"" }.joined()
    }

    private static func escaped(_ text: String) -> String {
        var result = ""
        result.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            case _: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
