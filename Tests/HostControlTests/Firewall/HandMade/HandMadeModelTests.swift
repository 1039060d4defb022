import TestSupport
import Testing
import Topology

@testable import HostControl

/// Random rule sets: what is not taken for hand-made survives, byte for byte, and nothing else does.
@Suite struct HandMadeModelTests {
    private static let sought = ["198.51.100.1", "198.51.100.2", "198.51.100.20"]
    private static let strangers = [
        "198.51.100.11", "198.51.100.3", "203.0.113.1", "198.51.100.0/24", "198.51.100.0/30",
    ]
    private static let narrowing = [
        "-i eth0", "-o eth0", "-m state --state NEW", "-m conntrack --ctstate NEW",
        "-p tcp -m tcp --dport 2181",
        "-p tcp -m multiport --ports 2888,3888", "-p udp", "-m limit --limit 3/min", "-f",
        "-m mark --mark 0x1",
    ]
    private static let harmless = [
        "-p tcp", "-m comment --comment x", #"-m comment --comment "-s 203.0.113.9 -j ACCEPT""#,
        #"-m comment --comment "198.51.100.1 \"quoted\"""#, "",
    ]
    private static let cutting = ["-j DROP", "-j REJECT --reject-with tcp-reset", "-j REJECT"]
    private static let passing = ["-j ACCEPT", "-j LOG", "-j RETURN", "-j FOO", ""]

    private struct Made {
        let line: String
        let isHandMade: Bool
    }

    /// By construction, not by the code under test.
    private static func rule(_ random: inout some RandomNumberGenerator) -> Made {
        func one(_ list: [String]) -> String { list.randomElement(using: &random) ?? "" }
        let chain = one(["INPUT", "OUTPUT", "FORWARD", "FOO", "INPUT", "OUTPUT"])
        let isSought = Bool.random(using: &random)
        let isNarrow = Int.random(in: 0..<3, using: &random) == 0
        let isCutting = Int.random(in: 0..<3, using: &random) > 0
        let isNegated = Int.random(in: 0..<6, using: &random) == 0
        let address = one(isSought ? sought : strangers)
        let words = [
            isNegated ? "!" : "", one(["-s", "-d"]), address + (address.contains("/") ? "" : "/32"),
            isNarrow ? one(narrowing) : one(harmless), one(isCutting ? cutting : passing),
        ]
        let line = "-A \(chain) " + words.filter { !$0.isEmpty }.joined(separator: " ")
        let isBuiltIn = chain == "INPUT" || chain == "OUTPUT"
        return Made(line: line, isHandMade: isSought && !isNarrow && isCutting && !isNegated && isBuiltIn)
    }

    @Test("of random rules exactly the hand-made ones go, each as often as it is there", arguments: 0..<200)
    func random(seed: Int) throws {
        var random = SplitMix64(seed: UInt64(seed) &+ 1)
        var rules: [Made] = []
        for _ in 0..<Int.random(in: 0...60, using: &random) {
            let made = Self.rule(&random)
            let copies = Int.random(in: 0..<5, using: &random) == 0 ? 3 : 1
            rules += Array(repeating: made, count: copies)
        }
        rules.shuffle(using: &random)
        let text =
            (["*filter", ":INPUT ACCEPT [0:0]", ":FOO - [0:0]"] + rules.map { "[1:60] \($0.line)" } + [
                "COMMIT", "",
            ])
            .joined(separator: "\n")
        let parsed = try #require(SavedRules(text))
        let sought = SoughtAddresses(Self.sought.map(address))
        let deletions = parsed.rules.filter { rule in
            IptablesVerdict.of(rule.specification, table: rule.table, chain: rule.chain, sought: sought)
                == .handMade
        }
        .map { "-A \($0.chain) \($0.specification)" }
        // As iptables-restore does: each deletion takes the first rule that reads so.
        var left = rules.map(\.line)
        for deletion in deletions {
            let index = try #require(left.firstIndex(of: deletion), "\(deletion)")
            left.remove(at: index)
        }
        #expect(left == rules.filter { !$0.isHandMade }.map(\.line))
    }
}
