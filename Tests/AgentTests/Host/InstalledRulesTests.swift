import ControlProtocol
import FoundationEssentials
import Testing
import Topology

/// Rules on their way between programs of different age.
@Suite struct InstalledRulesTests {
    private func ports(_ numbers: Int...) throws -> [Port] { try numbers.map { try #require(Port($0)) } }

    @Test("rules from an agent that knows nothing of closed ports or restorations are read")
    func older() throws {
        let json = #"{"backend":"iptables-nft","count":3,"counters":[],"listing":"x"}"#
        let rules = try JSONDecoder().decode(InstalledRules.self, from: Data(json.utf8))
        #expect(rules.closed == nil && rules.wall == nil && rules.restored == 0)
        #expect(rules.count == 3 && rules.backend == .iptablesNft && rules.listing == "x")
    }

    @Test("rules are read as they were written")
    func roundTrip() throws {
        let rules = InstalledRules(
            backend: .nftables,
            wall: try Sample.wall(),
            closed: ClosedPorts(ports: try ports(2182, 2181, 2182), exception: Port(40_000)),
            count: 16,
            counters: [.init(chain: "input", family: .ipv6, packets: 1, bytes: 60)],
            listing: "table inet mitosis",
            restored: 2
        )
        let data = try JSONEncoder().encode(rules)
        #expect(try JSONDecoder().decode(InstalledRules.self, from: data) == rules)
        #expect(rules.closed?.ports == (try ports(2181, 2182)))
    }
}
