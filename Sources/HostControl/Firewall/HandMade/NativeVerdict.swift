import Printable
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
        let isConcerned = expressions.contains(where: concerns) || concerns(comment)
        let judged = judged(expressions, isExplained: words != nil)
        let own = isConcerned ? judged : .unconcerned
        guard let words else {
            guard !isConcerned, expressions.contains(where: Self.asksForIpset),
                let reason = sought.sets.anyReason
            else { return (own, false) }
            if case .cut = judged { return (judged, false) }
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
        // Nothing is removed for it: that either says so is enough.
        case (_, .cut): return (told, true)
        case (.cut, _): return (own, false)
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

    private static func asksForIpset(_ expression: JSONValue) -> Bool {
        expression["xt"]?["type"] == "match" && expression["xt"]?["name"] == "set"
    }

    /// As if it concerned an address.
    private func judged(_ expressions: [JSONValue], isExplained: Bool) -> RuleVerdict {
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
        var cut: SetCut?
        var ends = false
        for expression in expressions {
            // What an extension asks for or does, its words say.
            if isExplained, expression["xt"] != nil {
                ends = true
                continue
            }
            switch part(expression) {
            case .address: hasAddress = true
            case .set(let held): cut = cut ?? held
            case .nothing: continue
            case .end: ends = true
            case .endOf(let held):
                cut = cut ?? held
                ends = true
            case .more(let reason): return .other(reason: reason)
            }
        }
        guard hasAddress || cut != nil else {
            return .other(reason: "the address stands in its comment only")
        }
        return ends ? cut.map { .cut($0) } ?? .handMade : .other(reason: "it neither rejects nor drops")
    }

    private enum Part {
        case address
        /// A named set that holds an address.
        case set(SetCut)
        /// Asks for nothing that matters.
        case nothing
        case end
        /// Drops what a named map says.
        case endOf(SetCut)
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
        case "vmap":
            return named(member.value["data"]).flatMap { name in dropped(by: name, member.value["key"]) }
                .map { .endOf($0) } ?? .more("it asks for more than an address: vmap")
        // In a table that iptables-nft made and, for other rules in it, cannot read any more.
        case "xt" where member.value == ["type": "match", "name": "comment"]: return .nothing
        case "xt" where member.value == ["type": "target", "name": "REJECT"]: return .end
        // Which one, only its words say.
        case "xt" where Self.asksForIpset(expression):
            return sought.sets.anyCut.map { .set($0) } ?? .more("it asks for more than an address: xt")
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
        if let name = named(right) {
            return held(by: name).map { .set($0) } ?? .more("it is for more than one address: @\(name)")
        }
        for element in right["set"]?.asList ?? [right] {
            guard let text = Self.value(element),
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

    private func named(_ value: JSONValue?) -> String? {
        value?.asText.flatMap { $0.hasPrefix("@") ? String($0.dropFirst()) : nil }
    }

    /// Of a named set: nil when it holds none of the addresses.
    private func held(by name: String) -> SetCut? {
        guard let elements = sets["\(table) \(name)"]?.asList,
            let element = elements.first(where: { concerns($0, mayFollow: false) })
        else { return nil }
        let text = PrintableText(Self.value(element) ?? NativeText.of(element))
        return SetCut(set: "nft set \(table) \(name)", reason: "its set \(name) holds \(text)")
    }

    /// Of a named map of verdicts.
    private func dropped(by name: String, _ key: JSONValue?) -> SetCut? {
        guard let key, Self.addresses.contains(key), let elements = sets["\(table) \(name)"]?.asList
        else { return nil }
        for element in elements {
            guard let pair = element.asList, pair.count == 2, pair[1]["drop"] != nil,
                concerns(pair[0], mayFollow: false)
            else { continue }
            let text = PrintableText(Self.value(pair[0]) ?? NativeText.of(pair[0]))
            return SetCut(set: "nft map \(table) \(name)", reason: "its map \(name) drops \(text)")
        }
        return nil
    }

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
