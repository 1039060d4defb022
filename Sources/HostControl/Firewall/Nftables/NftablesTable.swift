import ControlProtocol
import FoundationEssentials
import Topology

/// The table `inet mitosis` that makes a wall, as objects of nft's JSON.
///
/// The chains are base chains of our own, so no foreign rule can be hit by changing them, and an `accept` in a
/// foreign chain (`ct state established accept`) does not end the evaluation of ours. Their priority is 10
/// before `filter`: a foreign `drop` there must not swallow packets that are to be answered by a reset. It is
/// not earlier, because connection tracking (-200) must have seen the packet for the reset to belong to its
/// connection (a stateful firewall drops it as invalid otherwise), and destination translation of outbound
/// packets (-100) must have happened for the peer's real address to be visible.
struct NftablesTable: Hashable, Sendable {
    static let family = "inet"
    static let name = "mitosis"
    private static let priority = -10

    let rules: RuleSet
    let protectedPorts: [Port]

    /// One transaction whatever was there before: the table is added so that deleting it cannot fail.
    var transaction: JSONValue {
        let table: JSONValue = ["table": Self.tableName]
        let objects: [JSONValue] = [["add": table], ["delete": table], ["add": table]]
        return ["nftables": .list(objects + (sets + chains + ruleObjects).map { ["add": $0] })]
    }

    /// For when no table is there.
    ///
    /// Worth its while: whoever deletes anything waits some tens of milliseconds for the kernel to forget it.
    var creation: JSONValue {
        let table: JSONValue = ["add": ["table": Self.tableName]]
        return ["nftables": .list([table] + (sets + chains + ruleObjects).map { ["add": $0] })]
    }

    /// For when the table holds what is to be there but for the wall.
    var walling: JSONValue {
        let before = NftablesTable(
            rules: rules.withoutWall,
            protectedPorts: protectedPorts
        )
        let sets = sets.filter { !before.sets.contains($0) }
        let rules = WallChain.allCases.flatMap { chain in objects(rejections(in: chain), in: chain) }
        return ["nftables": .list((sets + rules).map { ["add": $0] })]
    }

    static var removal: JSONValue {
        let table: JSONValue = ["table": tableName]
        return ["nftables": [["add": table], ["delete": table]]]
    }

    var sets: [JSONValue] {
        var sets: [JSONValue] = []
        for family in Family.all {
            let peers = rules.peers(family.address)
            guard !peers.isEmpty else { continue }
            sets.append(Self.set(family.set, family.setType, peers.map { .text($0.description) }))
        }
        if !protectedPorts.isEmpty { sets.append(Self.set("protected", "inet_service", protectedPorts)) }
        if let closed = rules.closed {
            sets.append(Self.set(Self.closedSet, "inet_service", closed.ports))
        }
        switch rules.wall?.scope {
        case .allTCP, nil: break
        case .ports(let numbers): sets.append(Self.set("ports", "inet_service", numbers))
        }
        return sets
    }

    var chains: [JSONValue] {
        WallChain.allCases.map { chain in
            [
                "chain": [
                    "family": .text(Self.family), "table": .text(Self.name), "name": .text(chain.rawValue),
                    "type": "filter", "hook": .text(chain.rawValue), "prio": .integer(Self.priority),
                    "policy": "accept",
                ]
            ]
        }
    }

    var ruleObjects: [JSONValue] {
        WallChain.allCases.flatMap { chain in
            objects(passes(in: chain) + closing(in: chain) + rejections(in: chain), in: chain)
        }
    }

    private func objects(_ rules: [[JSONValue]], in chain: WallChain) -> [JSONValue] {
        rules.map { expressions in
            [
                "rule": [
                    "family": .text(Self.family), "table": .text(Self.name), "chain": .text(chain.rawValue),
                    "expr": .list(expressions),
                ]
            ]
        }
    }

    /// What is let through before anything is rejected.
    ///
    /// Resets must pass: the one we answer an inbound packet with leaves through `output`, and the one we answer
    /// an outbound packet with arrives in `input` under the peer's address. Rejected there, neither end of a
    /// connection would learn that it is dead. A reset can only end a connection, never carry one.
    ///
    /// This host's protected ports are reached whatever the scope, so that no choice of ports can ever match them:
    /// what comes in to one, and what leaves one as an answer. The port at the other end counts for nothing, anybody
    /// can connect from any; and a packet that opens a connection is no answer, so that nobody connects from one here.
    private func passes(in chain: WallChain) -> [[JSONValue]] {
        let flags = Self.payload("tcp", "flags")
        let resets: [JSONValue] = [Self.match("in", flags, "rst"), ["return": nil]]
        guard !protectedPorts.isEmpty else { return [resets] }
        let ports = Self.match("==", Self.payload("tcp", chain.hostPortField), "@protected")
        let answers: [JSONValue] =
            switch chain {
            case .input: []
            case .output: [Self.match("!=", ["&": [flags, ["syn", "ack"]]], "syn")]
            }
        return [resets, [ports] + answers + [["return": nil]]]
    }

    /// Without a counter: the counters are the wall's.
    ///
    /// The exception is for a connection of this host with itself: another host can connect from the same port.
    private func closing(in chain: WallChain) -> [[JSONValue]] {
        guard let closed = rules.closed else { return [] }
        let ports = Self.match("==", Self.payload("tcp", chain.hostPortField), .text("@\(Self.closedSet)"))
        let spared = closed.exception.map { port -> [JSONValue] in
            [
                Self.match("==", ["meta": ["key": .text(chain.nftInterfaceKey)]], "lo"), ports,
                Self.match("==", Self.payload("tcp", chain.peerPortField), .integer(Int(port.number))),
                ["return": nil],
            ]
        }
        let end =
            switch (chain, rules.outbound) {
            case (.output, .dropped): Self.drop
            case (.input, _), (.output, .reset): Self.reset
            }
        return [spared, [ports, end]].compactMap { $0 }
    }

    private func rejections(in chain: WallChain) -> [[JSONValue]] {
        guard let wall = rules.wall else { return [] }
        var rules: [[JSONValue]] = []
        for family in Family.all where wall.peers.contains(where: { $0.family == family.address }) {
            let peers = Self.match(
                "==",
                Self.payload(family.protocolName, chain.nftAddressField),
                .text("@\(family.set)")
            )
            let end: [JSONValue] = [["counter": ["packets": 0, "bytes": 0]], Self.reset]
            switch wall.scope {
            case .allTCP: rules.append([peers, Self.match("==", ["meta": ["key": "l4proto"]], "tcp")] + end)
            case .ports:
                for field in Self.portFields {
                    rules.append([peers, Self.match("==", Self.payload("tcp", field), "@ports")] + end)
                }
            }
        }
        return rules
    }

    /// The set of closed ports.
    static let closedSet = "closed"
    static let drop: JSONValue = ["drop": nil]
    private static let reset: JSONValue = ["reject": ["type": "tcp reset"]]
    private static let portFields = ["dport", "sport"]

    private static func match(_ operation: JSONValue, _ left: JSONValue, _ right: JSONValue) -> JSONValue {
        ["match": ["op": operation, "left": left, "right": right]]
    }

    private static func payload(_ protocolName: String, _ field: String) -> JSONValue {
        ["payload": ["protocol": .text(protocolName), "field": .text(field)]]
    }

    private static func set(_ name: String, _ type: String, _ ports: [Port]) -> JSONValue {
        set(name, type, ports.map { .integer(Int($0.number)) })
    }

    private static func set(_ name: String, _ type: String, _ elements: [JSONValue]) -> JSONValue {
        [
            "set": [
                "family": .text(family), "table": .text(Self.name), "name": .text(name),
                "type": .text(type), "elem": .list(elements),
            ]
        ]
    }

    /// What opens closed ports and leaves everything else of the table as it is.
    static func opening(_ rules: [(chain: String, handle: Int)]) -> JSONValue {
        let deleted = rules.map { rule -> JSONValue in
            [
                "delete": [
                    "rule": [
                        "family": .text(family), "table": .text(name), "chain": .text(rule.chain),
                        "handle": .integer(rule.handle),
                    ]
                ]
            ]
        }
        let set: JSONValue = ["family": .text(family), "table": .text(name), "name": .text(closedSet)]
        return ["nftables": .list(deleted + [["delete": ["set": set]]])]
    }

    private static let tableName: JSONValue = ["family": .text(family), "name": .text(name)]
}

extension NftablesTable {
    /// How an address family appears in our sets and rules.
    struct Family: Sendable {
        let address: IPAddress.Family
        let set: String
        let setType: String
        let protocolName: String

        static let all = [
            Family(address: .ipv4, set: "peers4", setType: "ipv4_addr", protocolName: "ip"),
            Family(address: .ipv6, set: "peers6", setType: "ipv6_addr", protocolName: "ip6"),
        ]
    }
}
