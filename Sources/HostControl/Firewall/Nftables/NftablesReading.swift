import ControlProtocol
import Topology

/// What `nft -j list table inet mitosis` answered.
///
/// A wall is recognised by making its table anew and comparing every chain and rule with what was read, so
/// anything added, lost or altered shows.
struct NftablesReading {
    private let chains: [JSONValue]
    private let rules: [JSONValue]
    private let sets: [JSONValue]
    /// Objects that we never make, or a table that was switched off.
    private let hasForeignParts: Bool

    /// Nil when the answer is not nft's.
    init?(_ document: JSONValue) {
        guard let objects = document["nftables"]?.asList else { return nil }
        chains = objects.compactMap { $0["chain"] }
        rules = objects.compactMap { $0["rule"] }
        sets = objects.compactMap { $0["set"] }
        let known = ["metainfo", "table", "chain", "rule", "set"]
        hasForeignParts =
            objects.contains { object in !known.contains { object[$0] != nil } }
            || objects.contains { $0["table"]?["flags"] != nil }
    }

    /// The table itself counts when it has no rules: it is ours, and left over.
    var count: Int { max(rules.count, 1) }

    func ruleSet(protectedPorts: [Port]) -> RuleSet? {
        guard !hasForeignParts, let peers = peers(), let scope = scope(),
            let closed = ports(of: NftablesTable.closedSet)
        else { return nil }
        let desired = RuleSet(
            wall: peers.isEmpty ? nil : Wall(peers: peers, scope: scope),
            closed: closed.isEmpty ? nil : ClosedPorts(ports: closed, exception: exception),
            outbound: outbound
        )
        guard desired != RuleSet(wall: nil) else { return nil }
        let expected = NftablesTable(rules: desired, protectedPorts: protectedPorts)
        guard
            Set(sets.map(Self.normalSet)) == Set(expected.sets.compactMap { $0["set"] }.map(Self.normalSet)),
            Set(chains.map(Self.normalChain))
                == Set(expected.chains.compactMap { $0["chain"] }.map(Self.normalChain)),
            Self.expressionsByChain(rules)
                == Self.expressionsByChain(expected.ruleObjects.compactMap { $0["rule"] })
        else { return nil }
        return desired
    }

    /// The rules that close ports, with those that spare a connection, also in a table that was altered.
    var closing: [(chain: String, handle: Int)] {
        rules.compactMap { rule in
            guard Self.matches(rule, NftablesTable.closedSet), let chain = rule["chain"]?.asText,
                let handle = rule["handle"]?.asInteger
            else { return nil }
            return (chain, handle)
        }
    }

    /// Whether any rule cuts off a peer.
    var hasWallRules: Bool {
        rules.contains { rule in NftablesTable.Family.all.contains { Self.matches(rule, $0.set) } }
    }

    private static func matches(_ rule: JSONValue, _ set: String) -> Bool {
        (rule["expr"]?.asList ?? []).contains { $0["match"]?["right"] == .text("@\(set)") }
    }

    /// Packets and bytes that the wall rejected, by chain and family.
    var counters: [InstalledRules.Counter] { Self.sums(counted.map { ($0.slot, $0.packets, $0.bytes) }) }

    /// Where the counters belong, in the order in which nft lists them.
    var slots: [CounterSlot] { counted.map(\.slot) }

    /// The counters of nft's text listing of the same rules; nil when it does not have as many.
    static func counters(listing: String, slots: [CounterSlot]) -> [InstalledRules.Counter]? {
        let found = listing.split(separator: "\n").compactMap { line -> (UInt64, UInt64)? in
            let words = line.split(separator: " ")
            guard let start = words.firstIndex(of: "counter"), words.count > start + 4,
                words[start + 1] == "packets", words[start + 3] == "bytes",
                let packets = UInt64(words[start + 2]), let bytes = UInt64(words[start + 4])
            else { return nil }
            return (packets, bytes)
        }
        guard found.count == slots.count else { return nil }
        return sums(zip(slots, found).map { ($0, $1.0, $1.1) })
    }

    private static func sums(_ counts: [(slot: CounterSlot, packets: UInt64, bytes: UInt64)])
        -> [InstalledRules.Counter]
    {
        WallChain.allCases.flatMap { chain in
            NftablesTable.Family.all.compactMap { family in
                let own = counts.filter { $0.slot == CounterSlot(chain: chain, family: family.address) }
                guard !own.isEmpty else { return nil }
                return InstalledRules.Counter(
                    chain: chain.rawValue,
                    family: family.address,
                    packets: own.reduce(0) { $0 + $1.packets },
                    bytes: own.reduce(0) { $0 + $1.bytes }
                )
            }
        }
    }

    private var counted: [(slot: CounterSlot, packets: UInt64, bytes: UInt64)] {
        rules.compactMap { rule in
            guard let chain = rule["chain"]?.asText.flatMap(WallChain.init(rawValue:)),
                let expressions = rule["expr"]?.asList,
                let set = expressions.first?["match"]?["right"]?.asText,
                let family = NftablesTable.Family.all.first(where: { set == "@\($0.set)" }),
                let counter = expressions.lazy.compactMap({ $0["counter"] }).first,
                let packets = counter["packets"]?.asInteger, let bytes = counter["bytes"]?.asInteger
            else { return nil }
            return (
                CounterSlot(chain: chain, family: family.address), UInt64(clamping: packets),
                UInt64(clamping: bytes)
            )
        }
    }

    private func elements(of set: String) -> [JSONValue]? {
        sets.first { $0["name"]?.asText == set }.map { $0["elem"]?.asList ?? [] }
    }

    private func peers() -> [IPAddress]? {
        let texts = NftablesTable.Family.all.flatMap { elements(of: $0.set) ?? [] }.map { $0.asText ?? "" }
        let peers = texts.compactMap { IPAddress($0) }
        return peers.count == texts.count ? peers : nil
    }

    private func scope() -> Wall.Scope? {
        guard elements(of: "ports") != nil else { return .allTCP }
        guard let ports = ports(of: "ports"), !ports.isEmpty else { return nil }
        return .ports(numbers: ports)
    }

    /// Nil when it holds anything else; empty when there is no such set.
    private func ports(of set: String) -> [Port]? {
        let elements = elements(of: set) ?? []
        let ports = elements.compactMap { $0.asInteger.flatMap { Port($0) } }
        return ports.count == elements.count ? ports : nil
    }

    /// What the first rule with the closed ports says; that the others say the same shows when the table is made anew.
    private var exception: Port? {
        let expressions = rules.first { Self.matches($0, NftablesTable.closedSet) }?["expr"]?.asList ?? []
        return expressions.lazy.compactMap { $0["match"]?["right"]?.asInteger }.first.flatMap { Port($0) }
    }

    /// What any closing rule for what leaves says; the others as above.
    private var outbound: RuleSet.Outbound {
        let isDropped = rules.contains { rule in
            rule["chain"]?.asText == WallChain.output.rawValue
                && Self.matches(rule, NftablesTable.closedSet)
                && (rule["expr"]?.asList ?? []).contains(NftablesTable.drop)
        }
        return isDropped ? .dropped : .reset
    }

    /// Handles, sizes and other details that the kernel adds are left out, the order of elements too.
    private static func normalSet(_ set: JSONValue) -> [JSONValue?] {
        let elements = (set["elem"]?.asList ?? []).map { "\($0)" }.sorted().map { JSONValue.text($0) }
        return [set["name"], set["type"], set["flags"], .list(elements)]
    }

    private static func normalChain(_ chain: JSONValue) -> [JSONValue?] {
        ["name", "type", "hook", "prio", "policy"].map { chain[$0] }
    }

    private static func expressionsByChain(_ rules: [JSONValue]) -> [String: [[JSONValue]]] {
        Dictionary(grouping: rules) { $0["chain"]?.asText ?? "" }
            .mapValues { $0.map { ($0["expr"]?.asList ?? []).map(normalExpression) } }
    }

    /// Counts do not matter, and some versions of nft write the same expression in another form.
    private static func normalExpression(_ expression: JSONValue) -> JSONValue {
        if expression["counter"] != nil { return ["counter": nil] }
        guard let match = expression["match"], let left = match["left"] else { return expression }
        if left["meta"]?["key"]?.asText == "l4proto", match["right"] == 6 {
            return ["match": ["op": match["op"] ?? nil, "left": left, "right": "tcp"]]
        }
        if let operands = left["&"]?.asList, operands.count == 2, let flags = operands[1]["|"] {
            return [
                "match": [
                    "op": match["op"] ?? nil, "left": ["&": [operands[0], flags]],
                    "right": match["right"] ?? nil,
                ]
            ]
        }
        if let operands = left["&"]?.asList, operands.count == 2, operands[1] == "rst", match["op"] == "!=",
            match["right"] == 0
        {
            return ["match": ["op": "in", "left": operands[0], "right": "rst"]]
        }
        return expression
    }
}
