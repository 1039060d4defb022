import Testing
import Topology

@testable import HostControl

@Suite(.needsNamespaces, .serialized)
struct RulesetNamesTests {
    @Test("the kernel names every table and chain, as nft lists them, also when they fill many messages")
    func named() async throws {
        try await FirewallBench.run { bench in
            let empty = try #require(bench.names())
            #expect(empty.tables.isEmpty && empty.chains.isEmpty)
            let chains = (1...2000).map { "add chain ip6 filter c\($0)\n" }
            try await bench.onWalled(
                "nft",
                ["-f", "-"],
                input: "add table inet mitosis\nadd table ip6 filter\nadd table netdev odd\n"
                    + chains.joined()
                    + "add chain ip6 filter MITOSIS-INPUT\n"
            )
            let names = try #require(bench.names())
            #expect(names.tables.contains(.ours) && names.tables.contains(.filter(.ipv6)))
            #expect(!names.tables.contains(.filter(.ipv4)) && names.tables.count == 3)
            #expect(names.chains.count == 2001)
            #expect(names.chains.contains(RulesetNames.Chain(table: .filter(.ipv6), name: "MITOSIS-INPUT")))
        }
    }

    @Test("an answer that is not the kernel's proves nothing")
    func foreign() {
        func attribute(_ kind: UInt16, _ text: String) -> [UInt8] {
            let value = Array(text.utf8) + [0]
            let padding = [UInt8](repeating: 0, count: (4 - value.count % 4) % 4)
            return Netlink.bytes(of: UInt16(4 + value.count)) + Netlink.bytes(of: kind) + value + padding
        }
        func message(_ type: UInt16, _ body: [UInt8]) -> Netlink.Message {
            Netlink.Message(type: type, payload: [1, 0, 0, 0] + body)
        }
        let table = message(10 << 8, attribute(1, "mitosis"))
        #expect(RulesetNames(tables: [table], chains: [])?.tables == [.ours])
        let broken = [
            message(10 << 8 | 3, attribute(1, "mitosis")), message(10 << 8, []),
            message(10 << 8, attribute(3, "mitosis")), message(10 << 8, [2, 0, 1, 0]),
            message(10 << 8, [255, 255, 1, 0] + attribute(1, "mitosis")),
            Netlink.Message(type: 10 << 8, payload: []),
        ]
        for message in broken { #expect(RulesetNames(tables: [message], chains: []) == nil) }
        let nameless = message(10 << 8 | 3, attribute(1, "filter"))
        #expect(RulesetNames(tables: [table], chains: [nameless]) == nil)
    }
}
