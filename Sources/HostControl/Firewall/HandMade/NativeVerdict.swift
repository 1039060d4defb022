import Topology

/// Judges a rule of nft by its expressions, as `IptablesVerdict` does by words.
struct NativeVerdict {
    let sought: SoughtAddresses
    /// `inet filter`.
    let table: String
    /// Elements of named sets and maps, by `inet filter name`.
    let sets: [String: JSONValue]
    /// Of the base chain that the rule is in; nil in any other chain.
    let hook: String?

    /// Tables of iptables beside `filter`; nft's own may have these names as well.
    private static let besideFilter = ["ip", "ip6"].flatMap { family in
        ["raw", "mangle", "nat", "security"].map { "\(family) \($0)" }
    }

    /// - Parameter words: what iptables-nft says of it; then both must say that it is hand-made.
    func of(
        _ expressions: [JSONValue],
        comment: JSONValue,
        words: SavedRules.Rule?
    ) -> (verdict: RuleVerdict, isAgreed: Bool) {
        let own = of(expressions, comment: comment, isExplained: words != nil)
        guard let words else {
            let asksForSet = expressions.contains { $0["xt"]?["name"] == "set" }
            guard own == .unconcerned, asksForSet, let reason = sought.sets.anyReason else {
                return (own, false)
            }
            return (.other(reason: reason), false)
        }
        let told = IptablesVerdict.of(
            words.specification,
            table: words.table,
            chain: words.chain,
            sought: sought
        )
        switch (own, told) {
        case (.handMade, .handMade): return (.handMade, true)
        case (.unconcerned, .unconcerned): return (.unconcerned, true)
        case (.other, .other): return (told, true)
        case (.handMade, .other(let reason)): return (.other(reason: reason), true)
        // Of an extension, a comment or a range, the expressions do not tell the address.
        case (.unconcerned, .other) where hasExtension(expressions): return (told, true)
        case (.other, .handMade), (.other, .unconcerned), (.unconcerned, .other): return (own, false)
        case (.unconcerned, .handMade), (.handMade, .unconcerned):
            return (.other(reason: "nft and iptables-nft do not say the same of it"), false)
        }
    }

    private func hasExtension(_ expressions: [JSONValue]) -> Bool { expressions.contains { $0["xt"] != nil } }

    private func of(_ expressions: [JSONValue], comment: JSONValue, isExplained: Bool) -> RuleVerdict {
        guard expressions.contains(where: concerns) || concerns(comment) else { return .unconcerned }
        guard ["ip ", "ip6 ", "inet "].contains(where: table.hasPrefix) else {
            return .other(reason: "it is in a table of another kind: \(table)")
        }
        guard !Self.besideFilter.contains(table) else {
            return .other(reason: "it is in \(table), not in a filter table")
        }
        guard let hook, WallChain(rawValue: hook) != nil else {
            return .other(reason: "it is not in a base chain of hook input or output")
        }
        var hasAddress = false
        var ends = false
        for expression in expressions {
            // What an extension asks for or does, its words say.
            if isExplained, expression["xt"] != nil {
                ends = true
                continue
            }
            switch part(expression) {
            case .address: hasAddress = true
            case .nothing: continue
            case .end: ends = true
            case .more(let reason): return .other(reason: reason)
            }
        }
        guard hasAddress else { return .other(reason: "the address stands in its comment only") }
        return ends ? .handMade : .other(reason: "it neither rejects nor drops")
    }

    private enum Part {
        case address
        /// Asks for nothing that matters.
        case nothing
        case end
        case more(String)
    }

    private func part(_ expression: JSONValue) -> Part {
        guard case .object(let members) = expression, members.count == 1, let member = members.first else {
            return .more("it asks for what is not known here")
        }
        switch member.key {
        case "counter": return .nothing
        case "drop", "reject": return .end
        case "match": return part(match: member.value)
        // In a table that iptables-nft made and, for other rules in it, cannot read any more.
        case "xt" where member.value == ["type": "match", "name": "comment"]: return .nothing
        case "xt" where member.value == ["type": "target", "name": "REJECT"]: return .end
        case let other: return .more("it asks for more than an address: \(other)")
        }
    }

    private func part(match: JSONValue) -> Part {
        guard let left = match["left"], let right = match["right"] else {
            return .more("it asks for what is not known here")
        }
        guard match["op"] == "==" else { return .more("it is negated, or compares") }
        if Self.protocols.contains(left) {
            return right == "tcp" || right == 6
                ? .nothing : .more("it asks for the protocol \(NativeText.of(right))")
        }
        if Self.families.contains(left) { return .nothing }
        guard Self.addresses.contains(left) else {
            return .more("it asks for more than an address: \(NativeText.of(left))")
        }
        for element in right["set"]?.asList ?? [right] {
            guard let text = Self.value(element), !text.hasPrefix("@"),
                let address = SoughtAddresses.host(text[...])
            else { return .more("it is for more than one address: \(NativeText.of(element))") }
            guard sought.contains(address) else {
                return .more("it is for \(address) as well, which is not looked for")
            }
        }
        return .address
    }

    private static let addresses: [JSONValue] = ["ip", "ip6"].flatMap { family in
        ["saddr", "daddr"].map { ["payload": ["protocol": .text(family), "field": .text($0)]] }
    }
    private static let protocols: [JSONValue] = [
        ["meta": ["key": "l4proto"]], ["payload": ["protocol": "ip", "field": "protocol"]],
        ["payload": ["protocol": "ip6", "field": "nexthdr"]],
    ]
    private static let families: [JSONValue] = [["meta": ["key": "nfproto"]], ["meta": ["key": "protocol"]]]

    /// Of an element of a set, which may have a comment or a counter of its own.
    private static func value(_ element: JSONValue) -> String? {
        let value = element["elem"]?["val"] ?? element
        if let prefix = value["prefix"] {
            guard let base = prefix["addr"]?.asText, let length = prefix["len"]?.asInteger else { return nil }
            return "\(base)/\(length)"
        }
        return value.asText
    }

    /// Wherever in it an address stands, also in the named sets that it leads to.
    private func concerns(_ value: JSONValue) -> Bool { concerns(value, mayFollow: true) }

    private func concerns(_ value: JSONValue, mayFollow: Bool) -> Bool {
        switch value {
        case .null, .truth, .integer: return false
        case .text(let text):
            if text.hasPrefix("@") {
                guard mayFollow, let elements = sets["\(table) \(text.dropFirst())"] else { return false }
                return concerns(elements, mayFollow: false)
            }
            return sought.mention(in: text) != .none
        case .list(let elements): return elements.contains { concerns($0, mayFollow: mayFollow) }
        case .object(let members):
            if let prefix = Self.value(value), members["prefix"] != nil {
                return sought.mention(in: prefix) != .none
            }
            if let ends = members["range"]?.asList, ends.count == 2, let first = ends[0].asText,
                let last = ends[1].asText
            {
                return sought.mention(in: "\(first)-\(last)") != .none
            }
            return members.values.contains { concerns($0, mayFollow: mayFollow) }
        }
    }
}
