import Topology

/// Rules in the kernel's nf_tables, in whoever's table, as `nft -j list ruleset` has them.
///
/// Those of iptables-nft too: it prints rules of nft's own kind that it only half understands as if they were simpler ones of its own
/// (*seen* with 1.8.9: `ip saddr > 198.51.100.1 drop` as `-s 198.51.100.1/32 -j DROP`), and would delete them for those.
struct NativeRules: Sendable {
    /// Where a rule is, by the kernel's own number, which no other rule gets as long as its table lives.
    struct Place: Hashable, Sendable {
        let family: String
        let table: String
        let chain: String
        let handle: UInt64
    }

    struct Rule: Hashable, Sendable {
        let place: Place
        /// What it asks for and does, without counts.
        let shape: [JSONValue]
        let text: String
        /// What iptables-nft says of it, where that agrees.
        let words: SavedRules.Rule?
        let packets: UInt64
        let verdict: RuleVerdict
    }

    /// Those alone that concern an address.
    let rules: [Rule]

    /// Nil when the answer is not nft's.
    ///
    /// - Parameter explained: what iptables-nft says of whole chains, `ip filter INPUT`, read from the same state of the kernel;
    ///   some versions of nft do not tell one extension of iptables from another.
    init?(_ document: JSONValue, sought: SoughtAddresses, explained: [String: [SavedRules.Rule]] = [:]) {
        guard let objects = document["nftables"]?.asList else { return nil }
        var hooks: [String: String] = [:]
        var sets: [String: JSONValue] = [:]
        var chains: [String: [JSONValue]] = [:]
        var order: [String] = []
        for object in objects {
            if let chain = object["chain"], chain["type"] == "filter", let hook = chain["hook"]?.asText {
                hooks[Self.name(chain, "name")] = hook
            }
            for kind in ["set", "map"] {
                if let set = object[kind] { sets[Self.name(set, "name")] = set["elem"] ?? nil }
            }
            if let rule = object["rule"] {
                let chain = Self.name(rule, "chain")
                if chains[chain] == nil { order.append(chain) }
                chains[chain, default: []].append(rule)
            }
        }
        var found: [Rule] = []
        for chain in order {
            let rules = chains[chain] ?? []
            // Of a chain that iptables-nft does not have in full nothing is known which rule is which.
            let words = explained[chain].flatMap { $0.count == rules.count ? $0 : nil }
            for (index, rule) in rules.enumerated() {
                guard let place = Place(rule), let expressions = rule["expr"]?.asList else { return nil }
                let isOurs =
                    FilterTable.isOurs(place.chain)
                    || (place.family, place.table) == (NftablesTable.family, NftablesTable.name)
                guard !isOurs else { continue }
                let judge = NativeVerdict(
                    sought: sought,
                    table: "\(place.family) \(place.table)",
                    sets: sets,
                    hook: hooks[chain]
                )
                let read = judge.of(expressions, comment: rule["comment"] ?? nil, words: words?[index])
                guard read.verdict != .unconcerned else { continue }
                let packets = expressions.lazy.compactMap { $0["counter"]?["packets"]?.asInteger }.first
                found.append(
                    Rule(
                        place: place,
                        shape: expressions.map { $0["counter"] == nil ? $0 : ["counter": nil] }
                            + [rule["comment"] ?? nil],
                        text: NativeText.of(expressions, comment: rule["comment"]?.asText),
                        words: read.isAgreed ? words?[index] : nil,
                        packets: UInt64(clamping: packets ?? 0),
                        verdict: read.verdict
                    )
                )
            }
        }
        rules = found
    }

    private static func name(_ object: JSONValue, _ key: String) -> String {
        [object["family"], object["table"], object[key]].map { $0?.asText ?? "" }.joined(separator: " ")
    }
}

extension NativeRules.Place {
    fileprivate init?(_ rule: JSONValue) {
        guard let family = rule["family"]?.asText, let table = rule["table"]?.asText,
            let chain = rule["chain"]?.asText, let number = rule["handle"]?.asInteger, number > 0
        else { return nil }
        self.init(family: family, table: table, chain: chain, handle: UInt64(number))
    }
}
