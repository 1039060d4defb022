/// A file of firewalld: direct rules, and rich rules and sources of zones, as far as it takes to see which of them reject or drop
/// an address.
enum FirewalldFile {
    private struct Element {
        /// `rule`, `/rule`; with its attributes.
        let tag: String
        let line: Int
        /// What follows it.
        let text: String

        var name: String { String(tag.prefix { !$0.isWhitespace && $0 != "/" || $0 == tag.first }) }

        func attribute(_ name: String) -> String? {
            guard let start = tag.firstRange(of: " \(name)=") else { return nil }
            let rest = tag[start.upperBound...]
            guard let quote = rest.first, quote == "\"" || quote == "'" else { return nil }
            return String(rest.dropFirst().prefix { $0 != quote })
        }
    }

    /// What a rich rule asks for beside addresses.
    private static let narrowing: Set<String> = [
        "port", "service", "protocol", "icmp-block", "icmp-type", "masquerade", "forward-port", "source-port",
        "mark",
        "accept",
    ]

    static func lines(_ content: [UInt8], sought: SoughtAddresses) -> [RuleFiles.Line] {
        var found: [RuleFiles.Line] = []
        var rich: [Element] = []
        var rejecting = false
        for element in elements(String(decoding: content, as: UTF8.self)) {
            switch element.name {
            case "zone":
                rejecting = ["DROP", "%%REJECT%%", "REJECT"].contains(element.attribute("target") ?? "")
            case "rule" where element.attribute("chain") != nil, "passthrough":
                let words = RuleWords.split(
                    element.text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
                )
                let kind = SavedFile.kind(
                    words,
                    table: element.attribute("table") ?? "filter",
                    chain: element.attribute("chain"),
                    sought
                )
                let text = words.joined(separator: " ")
                if let kind {
                    found.append(RuleFiles.Line(number: element.line, text: text, kind: kind))
                } else if words.contains("DROP") || words.contains("REJECT"),
                    let reason = sought.sets.reason(of: text)
                {
                    found.append(RuleFiles.Line(number: element.line, text: text, kind: .other(reason)))
                }
            case "rule": rich = [element]
            case "/rule":
                if let line = handMade(rich, sought) { found.append(line) }
                rich = []
            case "source" where rich.isEmpty && rejecting:
                guard let kind = setKind(element, sought) ?? (names(element, sought) ? .copy : nil) else {
                    continue
                }
                found.append(RuleFiles.Line(number: element.line, text: "<\(element.tag)>", kind: kind))
            case _: if !rich.isEmpty { rich.append(element) }
            }
        }
        return found
    }

    private static func handMade(_ rule: [Element], _ sought: SoughtAddresses) -> RuleFiles.Line? {
        let parts = rule.map(\.name)
        guard parts.contains("drop") || parts.contains("reject"), !parts.contains(where: narrowing.contains)
        else { return nil }
        let text = rule.map { "<\($0.tag)>" }.joined()
        if let address = rule.first(where: { names($0, sought) }) {
            return RuleFiles.Line(number: address.line, text: text, kind: .copy)
        }
        for element in rule {
            guard let kind = setKind(element, sought) else { continue }
            return RuleFiles.Line(number: element.line, text: text, kind: kind)
        }
        return nil
    }

    /// Of a source or destination that is a set.
    private static func setKind(_ element: Element, _ sought: SoughtAddresses) -> RuleFiles.Line.Kind? {
        guard ["source", "destination"].contains(element.name), element.attribute("invert") == nil,
            let name = element.attribute("ipset")
        else { return nil }
        return sought.sets.cut(named: name).map { .cut($0) }
            ?? sought.sets.reason(named: name).map { .other($0) }
    }

    /// Of a file that makes a set.
    static func entries(_ content: [UInt8]) -> [String] {
        elements(String(decoding: content, as: UTF8.self)).filter { $0.name == "entry" }
            .map { $0.text.filter { !$0.isWhitespace } }
    }

    private static func names(_ element: Element, _ sought: SoughtAddresses) -> Bool {
        guard ["source", "destination"].contains(element.name), element.attribute("invert") == nil,
            let address = element.attribute("address")
        else { return false }
        return sought.mention(in: address) == .named
    }

    /// Without comments and declarations.
    private static func elements(_ text: String) -> [Element] {
        var elements: [Element] = []
        var line = 1
        var rest = Substring(text)
        while let start = rest.firstIndex(of: "<") {
            line += breaks(rest[..<start])
            rest = rest[rest.index(after: start)...]
            let closing = rest.hasPrefix("!--") ? "-->" : ">"
            guard let end = rest.firstRange(of: closing) else { break }
            let tag = rest[..<end.lowerBound]
            rest = rest[end.upperBound...]
            if closing == ">", !tag.hasPrefix("?"), !tag.hasPrefix("!") {
                let one = tag.split(whereSeparator: \.isWhitespace).joined(separator: " ")
                elements.append(Element(tag: one, line: line, text: String(rest.prefix { $0 != "<" })))
            }
            line += breaks(tag)
        }
        return elements
    }

    private static func breaks(_ text: Substring) -> Int { text.utf8.count { $0 == UInt8(ascii: "\n") } }
}
