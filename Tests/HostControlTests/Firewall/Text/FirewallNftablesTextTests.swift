import ControlProtocol
import FoundationEssentials
import Testing
import Topology

@testable import HostControl

/// The exact JSON that nft gets, and reading its own back.
@Suite struct FirewallNftablesTextTests {
    private let wall = Wall(
        peers: [address("198.51.100.11"), address("2001:db8::11")],
        scope: .ports(numbers: [port(3888), port(2888)])
    )
    private let protectedPorts = [port(22), port(9760)]

    /// A document on a few lines, with the objects in order.
    private func lines(_ text: String) throws -> [String] {
        let document = try JSONReader.value(of: text)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try #require(document["nftables"]?.asList).map {
            String(decoding: try encoder.encode($0), as: UTF8.self)
        }
    }

    private func rule(_ chain: String, _ expressions: String) -> String {
        #"{"add":{"rule":{"chain":"\#(chain)","expr":[\#(expressions)],"family":"inet","table":"mitosis"}}}"#
    }

    private let end = #"{"counter":{"bytes":0,"packets":0}},{"reject":{"type":"tcp reset"}}"#

    private func match(_ left: String, _ right: String, _ operation: String = "==") -> String {
        #"{"match":{"left":\#(left),"op":"\#(operation)","right":"\#(right)"}}"#
    }

    private func field(_ name: String, _ protocolName: String) -> String {
        #"{"payload":{"field":"\#(name)","protocol":"\#(protocolName)"}}"#
    }

    private func passes(_ chain: String) -> [String] {
        let (flags, end) = (field("flags", "tcp"), #",{"return":null}"#)
        let answers = #",{"match":{"left":{"&":[\#(flags),["syn","ack"]]},"op":"!=","right":"syn"}}"#
        return [
            rule(chain, match(flags, "rst", "in") + end),
            chain == "input"
                ? rule(chain, match(field("dport", "tcp"), "@protected") + end)
                : rule(chain, match(field("sport", "tcp"), "@protected") + answers + end),
        ]
    }

    private let head = [
        #"{"add":{"table":{"family":"inet","name":"mitosis"}}}"#,
        #"{"delete":{"table":{"family":"inet","name":"mitosis"}}}"#,
        #"{"add":{"table":{"family":"inet","name":"mitosis"}}}"#,
    ]

    private func set(_ name: String, _ type: String, _ elements: String) -> String {
        #"{"add":{"set":{"elem":[\#(elements)],"family":"inet","name":"\#(name)","table":"mitosis","#
            + #""type":"\#(type)"}}}"#
    }

    private let chains = ["input", "output"].map {
        #"{"add":{"chain":{"family":"inet","hook":"\#($0)","name":"\#($0)","policy":"accept","prio":-10,"#
            + #""table":"mitosis","type":"filter"}}}"#
    }

    @Test("an nft wall by ports is this transaction")
    func ports() throws {
        let text = try HostFirewall(backend: .nftables, protectedPorts: protectedPorts).preview(wall)
        let sets = [
            set("peers4", "ipv4_addr", #""198.51.100.11""#), set("peers6", "ipv6_addr", #""2001:db8::11""#),
            set("protected", "inet_service", "22,9760"), set("ports", "inet_service", "2888,3888"),
        ]
        let rules = [("input", "saddr"), ("output", "daddr")].flatMap { chain, address in
            passes(chain)
                + [("ip", "peers4"), ("ip6", "peers6")].flatMap { protocolName, peers in
                    ["dport", "sport"].map { direction in
                        rule(
                            chain,
                            [
                                match(field(address, protocolName), "@\(peers)"),
                                match(field(direction, "tcp"), "@ports"), end,
                            ].joined(separator: ",")
                        )
                    }
                }
        }
        let found = try lines(text)
        #expect(found == head + sets + chains + rules)
        #expect(text.contains("\n") && text.hasPrefix("{\n"))
    }

    @Test("an nft wall against all TCP is this transaction")
    func allTCP() throws {
        let wall = Wall(peers: [address("198.51.100.11")], scope: .allTCP)
        let text = try HostFirewall(backend: .nftables, protectedPorts: protectedPorts).preview(wall)
        let sets = [
            set("peers4", "ipv4_addr", #""198.51.100.11""#), set("protected", "inet_service", "22,9760"),
        ]
        let rules = [("input", "saddr"), ("output", "daddr")].flatMap { chain, address in
            passes(chain)
                + [
                    rule(
                        chain,
                        [
                            match(field(address, "ip"), "@peers4"),
                            match(#"{"meta":{"key":"l4proto"}}"#, "tcp"), end,
                        ].joined(separator: ",")
                    )
                ]
        }
        #expect(try lines(text) == head + sets + chains + rules)
    }

    @Test(
        "closed ports in nft are this transaction, without a wall and before its rules",
        arguments: [false, true]
    )
    func closed(hasWall: Bool) throws {
        let closed = ClosedPorts(ports: [port(2182), port(2181)], exception: hasWall ? nil : port(40_000))
        let wall = hasWall ? Wall(peers: [address("198.51.100.11")], scope: .allTCP) : nil
        let table = NftablesTable(
            rules: RuleSet(wall: wall, closed: closed, outbound: hasWall ? .reset : .dropped),
            protectedPorts: protectedPorts
        )
        let peers = hasWall ? [set("peers4", "ipv4_addr", #""198.51.100.11""#)] : []
        let sets = [set("protected", "inet_service", "22,9760"), set("closed", "inet_service", "2181,2182")]
        let reset = #"{"reject":{"type":"tcp reset"}}"#
        let leaving = hasWall ? reset : #"{"drop":null}"#
        let rules = [("input", "dport", "sport", "saddr"), ("output", "sport", "dport", "daddr")]
            .flatMap { chain, own, other, address in
                let interface = #"{"meta":{"key":"\#(chain == "input" ? "iifname" : "oifname")"}}"#
                let closed = match(field(own, "tcp"), "@closed") + ","
                let spared = rule(
                    chain,
                    match(interface, "lo") + "," + closed
                        + #"{"match":{"left":\#(field(other, "tcp")),"op":"==","right":40000}},{"return":null}"#
                )
                let closing = closed + (chain == "output" ? leaving : reset)
                let rejection = [
                    match(field(address, "ip"), "@peers4"),
                    match(#"{"meta":{"key":"l4proto"}}"#, "tcp"), end,
                ]
                return passes(chain) + (hasWall ? [] : [spared]) + [rule(chain, closing)]
                    + (hasWall ? [rule(chain, rejection.joined(separator: ","))] : [])
            }
        #expect(try lines(NftProgram.text(table.transaction)) == head + peers + sets + chains + rules)
    }

    @Test("the same wall gives the same text, whatever the order it was given in")
    func deterministic() throws {
        let firewall = HostFirewall(backend: .nftables, protectedPorts: protectedPorts)
        let same = Wall(
            peers: wall.peers.reversed() + wall.peers,
            scope: .ports(numbers: [port(3888), port(2888), port(3888)])
        )
        #expect(try firewall.preview(same) == firewall.preview(wall))
    }

    @Test("other ways in which nft writes our expressions are read as ours, similar ones are not")
    func otherForms() throws {
        let wall = Wall(peers: [address("198.51.100.11")], scope: .allTCP)
        let table = NftablesTable(rules: RuleSet(wall: wall), protectedPorts: [])
        let flags: JSONValue = ["payload": ["protocol": "tcp", "field": "flags"]]
        for (flag, number, isOurs) in [("rst", 6, true), ("rst", 17, false), ("syn", 6, false)] {
            let rules = table.ruleObjects.map { object -> JSONValue in
                guard let chain = object["rule"]?["chain"], let expressions = object["rule"]?["expr"]?.asList
                else { return object }
                let rewritten = expressions.map { expression -> JSONValue in
                    guard let match = expression["match"], let left = match["left"] else { return expression }
                    if left == flags {
                        let masked: JSONValue = ["&": [flags, .text(flag)]]
                        return ["match": ["op": "!=", "left": masked, "right": 0]]
                    }
                    guard left["meta"] != nil else { return expression }
                    return ["match": ["op": "==", "left": left, "right": .integer(number)]]
                }
                return ["rule": ["chain": chain, "expr": .list(rewritten)]]
            }
            let document: JSONValue = ["nftables": .list(table.sets + table.chains + rules)]
            let found = try #require(NftablesReading(document)).ruleSet(protectedPorts: [])
            #expect((found == RuleSet(wall: wall)) == isOurs, "\(flag) \(number)")
        }
    }

    @Test("counts are summed by chain and family")
    func counters() throws {
        let table = NftablesTable(rules: RuleSet(wall: wall), protectedPorts: protectedPorts)
        var packets = 0
        let rules = table.ruleObjects.map { object -> JSONValue in
            guard let rule = object["rule"], let expressions = rule["expr"]?.asList,
                let chain = rule["chain"]
            else { return object }
            let counted = expressions.map { expression -> JSONValue in
                guard expression["counter"] != nil else { return expression }
                packets += 1
                return ["counter": ["packets": .integer(packets), "bytes": .integer(100 * packets)]]
            }
            return ["rule": ["chain": chain, "expr": .list(counted)]]
        }
        let reading = try #require(NftablesReading(["nftables": .list(table.sets + table.chains + rules)]))
        #expect(reading.ruleSet(protectedPorts: protectedPorts) == RuleSet(wall: wall))
        #expect(
            reading.counters == [
                .init(chain: "input", family: .ipv4, packets: 3, bytes: 300),
                .init(chain: "input", family: .ipv6, packets: 7, bytes: 700),
                .init(chain: "output", family: .ipv4, packets: 11, bytes: 1100),
                .init(chain: "output", family: .ipv6, packets: 15, bytes: 1500),
            ]
        )
    }
}
