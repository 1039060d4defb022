import Testing
import Topology

@testable import HostControl

/// Which rules of nft's own kind are taken for hand-made.
@Suite struct NativeVerdictTests {
    private static let sought = IptablesVerdictTests.sought

    /// One rule in the base chain `in` (hook input), with whatever else is in its table.
    private static func found(
        _ expressions: String,
        chain: String = "in",
        table: String = "corporate",
        family: String = "inet",
        comment: String = "",
        words: String? = nil,
        sets: HeldSets = .none
    ) throws -> [NativeRules.Rule] {
        var sought = sought
        sought.sets = sets
        let names = #""family": "\#(family)", "table": "\#(table)""#
        let text = """
            {"nftables": [{"metainfo": {"version": "1.0.6"}}, {"table": {"family": "\(family)", "name": "\(table)", "handle": 1}},
            {"chain": {\(names), "name": "in", "handle": 1, "type": "filter", "hook": "input", "prio": 0, "policy": "accept"}},
            {"chain": {\(names), "name": "pre", "handle": 2, "type": "filter", "hook": "prerouting", "prio": 0}},
            {"chain": {\(names), "name": "translate", "handle": 5, "type": "nat", "hook": "input", "prio": 0}},
            {"chain": {\(names), "name": "INPUT", "handle": 7, "type": "filter", "hook": "input", "prio": 0}},
            {"chain": {\(names), "name": "own", "handle": 3}},
            {"set": {\(names), "name": "bad", "type": "ipv4_addr", "handle": 4, "elem": ["203.0.113.1", {"prefix": {"addr": "198.51.100.0", "len": 24}}]}},
            {"map": {\(names), "name": "fate", "type": "ipv4_addr", "map": "verdict", "handle": 8, "elem": [["198.51.100.1", {"drop": null}], ["198.51.100.2", {"accept": null}]]}},
            {"map": {\(names), "name": "mercy", "type": "ipv4_addr", "map": "verdict", "handle": 9, "elem": [["198.51.100.1", {"accept": null}]]}},
            {"set": {\(names), "name": "good", "type": "ipv4_addr", "handle": 6, "elem": ["203.0.113.1"]}},
            {"rule": {\(names), "chain": "\(chain)", "handle": 17\(comment), "expr": [\(expressions)]}}]}
            """
        return try #require(
            NativeRules(
                try JSONReader.value(of: text),
                sought: sought,
                explained: words.map { words in
                    [
                        "\(family) \(table) \(chain)": [
                            SavedRules.Rule(table: table, chain: chain, packets: 0, specification: words)
                        ]
                    ]
                } ?? [:]
            )
        ).rules
    }

    private static func address(_ right: String, _ field: String = "saddr", op: String = "==") -> String {
        #"{"match": {"op": "\#(op)", "left": {"payload": {"protocol": "ip", "field": "\#(field)"}}, "right": \#(right)}}"#
    }

    private static let one = address(#""198.51.100.1""#)
    private static let drop = #"{"drop": null}"#
    private static let counter = #"{"counter": {"packets": 3, "bytes": 180}}"#

    @Test("a rule that drops a named set which holds an address cuts it off")
    func namedSets() throws {
        let bad = RuleVerdict.cut(
            SetCut(set: "nft set inet corporate bad", reason: "its set bad holds 198.51.100.0/24")
        )
        for rule in [
            [Self.address(#""@bad""#), Self.drop],
            [Self.address(#""@bad""#, "daddr"), Self.counter, #"{"reject": null}"#],
            [Self.one, Self.address(#""@bad""#), Self.drop],
        ] {
            #expect(try Self.found(rule.joined(separator: ",")).map(\.verdict) == [bad])
        }
        func map(_ name: String) -> String {
            #"{"vmap": {"key": {"payload": {"protocol": "ip", "field": "saddr"}}, "data": "@\#(name)"}}"#
        }
        #expect(
            try Self.found(map("fate")).map(\.verdict) == [
                .cut(SetCut(set: "nft map inet corporate fate", reason: "its map fate drops 198.51.100.1"))
            ]
        )
        let port =
            #"{"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": 22}}"#
        for rule in [
            [Self.address(#""@bad""#), #"{"accept": null}"#], [Self.address(#""@bad""#), Self.counter],
            [Self.address(#""@bad""#, op: "!="), Self.drop], [Self.address(#""@bad""#), port, Self.drop],
            [Self.one, Self.address(#""@good""#), Self.drop], [map("mercy")],
        ] {
            let verdict = try Self.found(rule.joined(separator: ",")).first?.verdict
            guard case .other = verdict else {
                Issue.record("\(rule): \(String(describing: verdict))")
                continue
            }
        }
        guard
            case .other = try Self.found(Self.address(#""@bad""#) + "," + Self.drop, chain: "own").first?
                .verdict
        else {
            Issue.record("a chain that nothing leads to cuts nothing off")
            return
        }
    }

    @Test("a rule of iptables-nft whose ipset holds an address is told of, with its words and without them")
    func heldSets() throws {
        let sets = HeldSets(saved: "add cut 198.51.100.1\n", sought: Self.sought)
        let rule = #"{"xt": {"type": "match", "name": "set"}}, {"drop": null}"#
        let told = try Self.found(
            rule,
            chain: "INPUT",
            table: "filter",
            family: "ip",
            words: "-m set --match-set cut src -j DROP",
            sets: sets
        )
        let cut = SetCut(set: "ipset cut", reason: "its ipset cut holds 198.51.100.1")
        #expect(told.map(\.verdict) == [.cut(cut)])
        #expect(told.first?.words != nil)
        let unnamed = try Self.found(rule, chain: "INPUT", table: "filter", family: "ip", sets: sets)
        #expect(
            unnamed.map(\.verdict) == [
                .cut(
                    SetCut(
                        set: "an ipset",
                        reason: "it asks for an ipset without telling which; cut holds 198.51.100.1"
                    )
                )
            ]
        )
        let accepted = #"{"xt": {"type": "match", "name": "set"}}, {"accept": null}"#
        #expect(
            try Self.found(accepted, chain: "INPUT", table: "filter", family: "ip", sets: sets).map(\.verdict)
                == [.other(reason: "it asks for an ipset without telling which; cut holds 198.51.100.1")]
        )
        #expect(try Self.found(rule, chain: "INPUT", table: "filter", family: "ip").isEmpty)
    }

    @Test("what cuts off some of the addresses, and no others, is hand-made")
    func handMade() throws {
        let reject = #"{"reject": {"type": "tcp reset"}}"#
        let forms: [(String, String)] = [
            ([Self.one, Self.drop].joined(separator: ","), "ip saddr 198.51.100.1 drop"),
            (
                [Self.one, Self.counter, #"{"reject": null}"#].joined(separator: ","),
                "ip saddr 198.51.100.1 counter reject"
            ),
            (
                [Self.address(#"{"set": ["198.51.100.1", "198.51.100.2"]}"#, "daddr"), reject]
                    .joined(separator: ","),
                "ip daddr { 198.51.100.1, 198.51.100.2 } reject with tcp reset"
            ),
            (
                [
                    Self.address(#"{"prefix": {"addr": "198.51.100.1", "len": 32}}"#),
                    #"{"match": {"op": "==", "left": {"meta": {"key": "l4proto"}}, "right": "tcp"}}"#, reject,
                ].joined(separator: ","),
                "ip saddr 198.51.100.1/32 meta l4proto tcp reject with tcp reset"
            ),
            (
                #"{"match": {"op": "==", "left": {"payload": {"protocol": "ip6", "field": "daddr"}}, "right": "2001:db8::1"}}, "#
                    + #"{"reject": {"type": "icmpv6", "expr": "port-unreachable"}}"#,
                "ip6 daddr 2001:db8::1 reject with icmpv6 port-unreachable"
            ),
            (
                [
                    Self.one, #"{"xt": {"type": "match", "name": "comment"}}"#, Self.counter,
                    #"{"xt": {"type": "target", "name": "REJECT"}}"#,
                ].joined(separator: ","),
                "ip saddr 198.51.100.1 xt match comment counter xt target REJECT"
            ),
        ]
        for (expressions, text) in forms {
            let rules = try Self.found(expressions)
            #expect(rules.map(\.verdict) == [.handMade], "\(expressions)")
            #expect(rules.first?.text == text)
            #expect(rules.first?.place.handle == 17)
        }
        #expect(
            try Self.found([Self.one, Self.counter, Self.drop].joined(separator: ",")).first?.packets == 3
        )
    }

    @Test("everything else that concerns an address stays, and is told with what sets it apart")
    func others() throws {
        let port =
            #"{"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": 2181}}"#
        let state =
            #"{"match": {"op": "in", "left": {"ct": {"key": "state"}}, "right": ["established", "related"]}}"#
        let interface = #"{"match": {"op": "==", "left": {"meta": {"key": "iifname"}}, "right": "eth0"}}"#
        let udp = #"{"match": {"op": "==", "left": {"meta": {"key": "l4proto"}}, "right": "udp"}}"#
        let cases: [([String], String)] = [
            ([Self.one, port, Self.drop], "tcp dport"),
            ([Self.one, state, Self.drop], "negated, or compares"),
            ([Self.one, interface, Self.drop], "meta iifname"), ([Self.one, udp, Self.drop], "protocol udp"),
            ([Self.one, #"{"accept": null}"#], "accept"), ([Self.one, #"{"return": null}"#], "return"),
            ([Self.one, #"{"log": {"prefix": "x"}}"#, Self.drop], "log"),
            ([Self.one, #"{"jump": {"target": "own"}}"#], "jump"), ([Self.one, Self.counter], "neither"),
            ([Self.one, #"{"limit": {"rate": 3, "per": "minute"}}"#, Self.drop], "limit"),
            ([Self.address(#""198.51.100.1""#, op: "!="), Self.drop], "negated"),
            ([Self.address(#"{"set": ["198.51.100.1", "203.0.113.7"]}"#), Self.drop], "203.0.113.7 as well"),
            (
                [Self.address(#"{"prefix": {"addr": "198.51.100.0", "len": 24}}"#), Self.drop],
                "more than one"
            ),
            ([Self.address(#"{"range": ["198.51.100.0", "198.51.100.9"]}"#), Self.drop], "more than one"),
            ([Self.one, #"{"xt": null}"#], "xt"),
        ]
        for (expressions, reason) in cases {
            let rules = try Self.found(expressions.joined(separator: ","))
            guard case .other(let told) = rules.first?.verdict else {
                Issue.record("\(expressions): \(rules)")
                continue
            }
            #expect(told.contains(reason), "\(expressions): \(told)")
        }
        let commented = try Self.found(Self.drop, comment: #", "comment": "as 198.51.100.1""#)
        #expect(commented.first?.verdict == .other(reason: "the address stands in its comment only"))
    }

    @Test("only base chains of hook input and output are cleaned")
    func places() throws {
        let rule = [Self.one, Self.drop].joined(separator: ",")
        let reason = RuleVerdict.other(reason: "it is not in a base chain of hook input or output")
        for chain in ["own", "pre", "translate"] {
            #expect(try Self.found(rule, chain: chain).map(\.verdict) == [reason])
        }
        #expect(try Self.found(rule, family: "bridge").first?.verdict != .handMade)
        for table in ["raw", "mangle", "nat", "security"] {
            #expect(try Self.found(rule, table: table, family: "ip").first?.verdict != .handMade)
        }
        #expect(try Self.found(rule, table: "filter", family: "ip").map(\.verdict) == [.handMade])
    }

    @Test("of what iptables-nft explains both have to say that it is hand-made")
    func explained() throws {
        func found(_ expressions: [String], _ words: String) throws -> RuleVerdict? {
            try Self.found(
                expressions.joined(separator: ","),
                chain: "INPUT",
                table: "filter",
                family: "ip",
                words: words
            ).first?.verdict
        }
        let unknown = #"{"xt": null}"#
        #expect(try found([Self.one, Self.counter, unknown], "-s 198.51.100.1/32 -j REJECT") == .handMade)
        #expect(try found([Self.one, Self.counter, Self.drop], "-s 198.51.100.1/32 -j DROP") == .handMade)
        let mac = try found(
            [Self.one, unknown, Self.drop],
            "-s 198.51.100.1/32 -m mac --mac-source 00:01 -j DROP"
        )
        #expect(mac == .other(reason: "it asks for more than an address: -m mac"))
        // What iptables-nft 1.8.9 makes of rules that it does not understand.
        let above = try found(
            [Self.address(#""198.51.100.1""#, op: ">"), Self.drop],
            "-s 198.51.100.1/32 -j DROP"
        )
        #expect(above == .other(reason: "it is negated, or compares"))
        let range = #"{"range": ["198.51.100.1", "198.51.100.2"]}"#
        let ranged = try found([Self.address(range), Self.drop], "-s 198.51.100.2/32 -j DROP")
        #expect(ranged == .other(reason: "it is for more than one address: 198.51.100.1-198.51.100.2"))
        let window =
            #"{"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "window"}}, "right": 5}}"#
        #expect(try found([Self.one, window, Self.drop], "-s 198.51.100.1/32 -p tcp -j DROP") != .handMade)
        let comment = try found([unknown, Self.drop], #"-m comment --comment "as 198.51.100.1" -j DROP"#)
        #expect(comment == .other(reason: "the address stands in its comment only"))
    }

    @Test("our own table, and rules for others, are none of this")
    func unconcerned() throws {
        let rule = [Self.one, Self.drop].joined(separator: ",")
        #expect(try Self.found(rule, table: "mitosis").isEmpty)
        #expect(
            try Self.found([Self.address(#""198.51.100.11""#), Self.drop].joined(separator: ",")).isEmpty
        )
        #expect(try Self.found([Self.address(#""@good""#), Self.drop].joined(separator: ",")).isEmpty)
        #expect(try Self.found([Self.address(#""@none""#), Self.drop].joined(separator: ",")).isEmpty)
    }
}
