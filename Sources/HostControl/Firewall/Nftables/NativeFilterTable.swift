import ControlProtocol

/// An iptables-nft `filter` table that iptables-nft itself cannot read, because somebody put rules made with
/// nft into it; `nft -j list table` can.
///
/// Walls are not installed into such a table, since they could not be read back. What is left there from
/// before is counted, and removed, with nft.
struct NativeFilterTable: Sendable {
    let chains: [String]
    /// Rules in our chains.
    let rules: Int
    /// Rules elsewhere that lead to our chains.
    let jumps: [(chain: String, handle: Int)]
    private let family: String

    /// Nil when the answer is not nft's.
    init?(_ document: JSONValue, family: String) {
        guard let objects = document["nftables"]?.asList else { return nil }
        self.family = family
        chains = objects.compactMap { $0["chain"]?["name"]?.asText }.filter(FilterTable.isOurs)
        let all = objects.compactMap { $0["rule"] }
        rules = all.filter { FilterTable.isOurs($0["chain"]?.asText ?? "") }.count
        jumps = all.compactMap { rule in
            guard let chain = rule["chain"]?.asText, !FilterTable.isOurs(chain),
                let handle = rule["handle"]?.asInteger, let expressions = rule["expr"]?.asList,
                expressions.contains(where: Self.leadsToOurs)
            else { return nil }
            return (chain, handle)
        }
    }

    var count: Int { chains.isEmpty ? 0 : max(rules + jumps.count, chains.count) }

    /// One transaction: the jumps by their handles, then the chains with what is in them.
    var removal: JSONValue {
        let table: [String: JSONValue] = ["family": .text(family), "table": "filter"]
        let deletedJumps = jumps.map { jump -> JSONValue in
            let names: [String: JSONValue] = ["chain": .text(jump.chain), "handle": .integer(jump.handle)]
            return ["delete": ["rule": .object(table.merging(names) { _, last in last })]]
        }
        let ours = chains.map { JSONValue.object(table.merging(["name": .text($0)]) { _, last in last }) }
        return [
            "nftables": .list(
                deletedJumps + ours.map { ["flush": ["chain": $0]] } + ours.map { ["delete": ["chain": $0]] }
            )
        ]
    }

    private static func leadsToOurs(_ expression: JSONValue) -> Bool {
        ["jump", "goto"].contains { verdict in
            FilterTable.isOurs(expression[verdict]?["target"]?.asText ?? "")
        }
    }
}
