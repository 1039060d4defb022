import Testing
import Topology

@testable import HostControl

/// Which rules of iptables are taken for hand-made, in every form in which they are published, and which are not.
@Suite struct IptablesVerdictTests {
    static let sought = SoughtAddresses(
        ["198.51.100.1", "198.51.100.2", "2001:db8::1"].map(address)
    )

    private static func verdict(_ rule: String, table: String = "filter", chain: String = "INPUT")
        -> RuleVerdict
    {
        IptablesVerdict.of(rule, table: table, chain: chain, sought: sought)
    }

    @Test(
        "what cuts off one of the addresses and asks for nothing else is hand-made",
        arguments: [
            "-d 198.51.100.1/32 -j REJECT --reject-with icmp-port-unreachable",
            "-s 198.51.100.1/32 -j REJECT --reject-with icmp-port-unreachable",
            "-s 198.51.100.2/32 -j DROP", "-d 2001:db8::1/128 -j REJECT --reject-with icmp6-port-unreachable",
            "-s 198.51.100.1 -j DROP", "-s 198.51.100.1/255.255.255.255 -j DROP",
            "-s 198.51.100.1/32 -d 198.51.100.2/32 -j DROP",
            "-s 198.51.100.1/32 -p tcp -j REJECT --reject-with tcp-reset",
            "-s 198.51.100.1/32 -p tcp -m tcp -j DROP",
            #"-s 198.51.100.1/32 -m comment --comment "mig\"ra \\\\ tion -j ACCEPT" -j DROP"#,
            "-s 198.51.100.1/32 -m comment --comment kafka -j REJECT --reject-with icmp-host-prohibited",
            #"-s 198.51.100.1/32 -m comment --comment "! -p udp --dport 22" -j DROP"#,
            "-s 198.51.100.1/32 -j REJECT",
        ]
    )
    func handMade(_ rule: String) {
        #expect(Self.verdict(rule) == .handMade)
        #expect(Self.verdict(rule, chain: "OUTPUT") == .handMade)
    }

    @Test(
        "what asks for more, does something else or is for others stays, and is told with what sets it apart",
        arguments: [
            ("-s 198.51.100.1/32 -p tcp -m tcp --dport 2181 -j REJECT", "--dport"),
            ("-s 198.51.100.1/32 -p tcp -m multiport --dports 2181,2888 -j DROP", "multiport"),
            ("-s 198.51.100.1/32 -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j DROP", "--tcp-flags"),
            ("-s 198.51.100.1/32 -p udp -j DROP", "protocol udp"),
            ("-s 198.51.100.1/32 -p icmp -j DROP", "protocol icmp"),
            ("-s 198.51.100.1/32 -i eth0 -j DROP", "-i"), ("-d 198.51.100.1/32 -o eth0 -j DROP", "-o"),
            ("-s 198.51.100.1/32 -m state --state NEW -j DROP", "-m state"),
            ("-s 198.51.100.1/32 -m conntrack --ctstate NEW -j DROP", "-m conntrack"),
            ("-s 198.51.100.1/32 -m limit --limit 3/min -j DROP", "-m limit"),
            ("-s 198.51.100.1/32 -f -j DROP", "-f"), ("-s 198.51.100.1/32 -j ACCEPT", "ACCEPT"),
            ("-s 198.51.100.1/32 -j LOG", "LOG"), ("-s 198.51.100.1/32 -j RETURN", "RETURN"),
            ("-s 198.51.100.1/32 -j f2b-sshd", "f2b-sshd"), ("-s 198.51.100.1/32 -g DROP", "-g"),
            ("-s 198.51.100.1/32", "only counts"), ("! -s 198.51.100.1/32 -j DROP", "negated"),
            ("-s 198.51.100.1/32 ! -d 198.51.100.2/32 -j DROP", "negated"),
            ("-s 198.51.100.0/24 -j DROP", "more than one address"),
            ("-s 198.51.100.0/255.255.255.0 -j DROP", "more than one address"),
            ("-s 2001:db8::/64 -j DROP", "more than one address"),
            ("-s 198.51.100.1/32 -d 198.51.100.9/32 -j DROP", "198.51.100.9 as well"),
            ("-s 198.51.100.9/32 -d 198.51.100.1/32 -j DROP", "198.51.100.9 as well"),
            ("-m iprange --src-range 198.51.100.0-198.51.100.7 -j DROP", "iprange"),
            (#"-m comment --comment "not 198.51.100.1." -j DROP"#, "comment only"),
            (#"-s 203.0.113.4/32 -m comment --comment "as 198.51.100.1" -j DROP"#, "203.0.113.4 as well"),
            ("-s 198.51.100.1/32 -m comment --comment \"a\nb\" -j DROP", "cannot be repeated"),
            ("-s 198.51.100.1/32 -m comment --comment \"a\u{FFFD}\" -j DROP", "cannot be repeated"),
            ("-s 198.51.100.1/32 -m set --match-set bad src -j DROP", "-m set"),
            ("-s 198.51.100.1/32 -m mark --mark 0x1 -j DROP", "-m mark"),
            ("-s 198.51.100.1/32 -j", "in the middle"),
        ]
    )
    func others(_ rule: String, _ reason: String) {
        guard case .other(let told) = Self.verdict(rule) else {
            Issue.record("\(rule): \(Self.verdict(rule))")
            return
        }
        #expect(told.contains(reason), "\(rule): \(told)")
    }

    @Test(
        "a rule for anybody else is none of this, however alike the addresses look",
        arguments: [
            "-s 198.51.100.11/32 -j DROP", "-s 198.51.100.10/32 -j DROP", "-s 19.51.100.1/32 -j DROP",
            "-s 8.51.100.1/32 -j DROP", "-s 2001:db8::11/128 -j DROP", "-s 2001:db8:1::1/128 -j DROP",
            "-s 203.0.113.0/24 -j DROP", "-j DROP", "-m conntrack --ctstate INVALID -j DROP",
            #"-m comment --comment "198.51.100.12 and 1198.51.100.1" -j DROP"#, "! -s 127.0.0.0/8 -j ACCEPT",
            "-m iprange --src-range 198.51.100.3-198.51.100.7 -j DROP", "-s ::ffff:198.51.100.1/128 -j DROP",
        ]
    )
    func unconcerned(_ rule: String) { #expect(Self.verdict(rule) == .unconcerned) }

    private static let saved = """
        create cut hash:ip family inet hashsize 1024 maxelem 65536 bucketsize 12 initval 0x1
        add cut 203.0.113.9
        add cut 198.51.100.2 timeout 30
        create nets hash:net family inet hashsize 1024 maxelem 65536
        add nets 198.51.100.0/24
        create ports hash:ip,port family inet hashsize 1024 maxelem 65536
        add ports 198.51.100.1,tcp:2181
        create free hash:net family inet hashsize 1024 maxelem 65536
        add free 198.51.100.0/24 nomatch
        add free 203.0.113.9 comment "198.51.100.1"
        create but hash:net family inet hashsize 1024 maxelem 65536
        add but 198.51.100.0/24
        add but 198.51.100.1 nomatch
        add but 198.51.100.2 nomatch
        create all list:set size 8
        add all free
        add all cut
        create none list:set size 8
        add none free

        """

    private static func verdict(_ rule: String, knowing sets: HeldSets) -> RuleVerdict {
        var sought = sought
        sought.sets = sets
        return IptablesVerdict.of(rule, table: "filter", chain: "INPUT", sought: sought)
    }

    @Test(
        "a rule that rejects or drops an ipset which holds an address cuts it off, by the set and the entry",
        arguments: [
            ("cut", "198.51.100.2"), ("nets", "198.51.100.0/24"), ("all", "198.51.100.2"),
        ]
    )
    func heldSets(_ name: String, _ entry: String) {
        let sets = HeldSets(saved: Self.saved, sought: Self.sought)
        let reason = "its ipset \(name) holds \(entry)"
        let rule = "-m set --match-set \(name) src -j REJECT --reject-with icmp-port-unreachable"
        let cut = RuleVerdict.cut(SetCut(set: "ipset \(name)", reason: reason))
        #expect(Self.verdict(rule, knowing: sets) == cut)
        #expect(Self.verdict("-p tcp -m set --match-set \(name) dst -j DROP", knowing: sets) == cut)
        let both = "-s 198.51.100.1/32 -m set --match-set \(name) src -j DROP"
        #expect(Self.verdict(both, knowing: sets) == cut)
        let commented = "-m set --match-set \(name) src -m comment --comment \"a\nb 198.51.100.1\" -j DROP"
        #expect(Self.verdict(commented, knowing: sets) == cut)
        #expect(Self.verdict("-p tcp -m set --match-set free src -j DROP", knowing: sets) == .unconcerned)
        #expect(Self.verdict("-m set --match-set none dst -j DROP", knowing: sets) == .unconcerned)
        #expect(Self.verdict("-m set --match-set but src -j DROP", knowing: sets) == .unconcerned)
        #expect(Self.verdict("-m comment --comment cut -j DROP", knowing: sets) == .unconcerned)
    }

    @Test(
        "a rule that asks for such an ipset and lets it pass, or asks for more, is told of and cuts nothing off",
        arguments: [
            "-m set --match-set cut src -j ACCEPT", "-m set --match-set cut src -j LOG",
            "-m set --match-set cut src", "-m set ! --match-set cut src -j DROP",
            "-p tcp -m set --match-set cut src -m tcp --dport 22 -j DROP",
            "-i eth0 -m set --match-set cut src -j DROP",
            "-d 203.0.113.7/32 -m set --match-set cut src -j DROP",
            "-m set --match-set cut src -m set --match-set free dst -j DROP",
        ]
    )
    func lenientSets(_ rule: String) {
        let sets = HeldSets(saved: Self.saved, sought: Self.sought)
        let other = RuleVerdict.other(reason: "its ipset cut holds 198.51.100.2")
        #expect(Self.verdict(rule, knowing: sets) == other)
        let ports = "-m set --match-set ports src,dst -j DROP"
        #expect(
            Self.verdict(ports, knowing: sets)
                == .other(reason: "its ipset ports holds 198.51.100.1,tcp:2181")
        )
        var sought = Self.sought
        sought.sets = sets
        let drop = "-m set --match-set cut src -j DROP"
        for (table, chain) in [("filter", "FORWARD"), ("filter", "f2b-sshd"), ("raw", "PREROUTING")] {
            #expect(IptablesVerdict.of(drop, table: table, chain: chain, sought: sought) == other)
        }
    }

    @Test("where sets cannot be read, a rule that drops one may cut an address off, and no other does")
    func unreadableSets() {
        let sets = HeldSets(unreadable: "Kernel error")
        guard case .cut(let cut) = Self.verdict("-m set --match-set x src -j DROP", knowing: sets) else {
            Issue.record("it is not told of")
            return
        }
        #expect(cut.set == "ipset x")
        #expect(cut.reason.contains("ipset x cannot be read") && cut.reason.contains("Kernel error"))
        guard case .other = Self.verdict("-m set --match-set x src -j ACCEPT", knowing: sets) else {
            Issue.record("what passes cuts nothing off")
            return
        }
        #expect(Self.verdict("-s 203.0.113.1/32 -j DROP", knowing: sets) == .unconcerned)
        #expect(Self.verdict("-m set --match-set x src -j DROP", knowing: .none) == .unconcerned)
    }

    @Test(
        "only INPUT and OUTPUT of the filter table are cleaned: what stands elsewhere is some tool's, and is told",
        arguments: [
            ("filter", "FORWARD"), ("filter", "f2b-sshd"), ("filter", "DOCKER-USER"),
            ("filter", "INPUT_direct"),
            ("raw", "PREROUTING"), ("raw", "OUTPUT"), ("mangle", "INPUT"), ("nat", "OUTPUT"),
            ("security", "INPUT"),
        ]
    )
    func elsewhere(table: String, chain: String) {
        let verdict = Self.verdict("-s 198.51.100.1/32 -j DROP", table: table, chain: chain)
        #expect(verdict == .other(reason: "it is in \(chain) of \(table), not in INPUT or OUTPUT of filter"))
    }
}

/// What `iptables-save -c` prints, read.
@Suite struct SavedRulesTests {
    @Test("tables, chains, counts and specifications come as they were printed")
    func plain() throws {
        let text = """
            # Generated by iptables-nft-save v1.8.9 (nf_tables) on Sat Nov 28 11:09:09 2026
            *raw
            :PREROUTING ACCEPT [0:0]
            [1:2] -A PREROUTING -s 198.51.100.1/32 -j DROP
            COMMIT
            # Completed
            *filter
            :INPUT ACCEPT [0:0]
            :FOO - [0:0]
            [18446744073709551615:60] -A INPUT -m comment --comment "a \\"b\\" # c" -j DROP
            [0:0] -A FOO
            COMMIT
            """
        let rules = try #require(SavedRules(text))
        #expect(rules.tables == ["raw", "filter"] && rules.incompatible.isEmpty)
        #expect(rules.rules.map(\.table) == ["raw", "filter", "filter"])
        #expect(rules.rules.map(\.chain) == ["PREROUTING", "INPUT", "FOO"])
        #expect(rules.rules.map(\.packets) == [1, .max, 0])
        #expect(rules.rules[1].specification == #"-m comment --comment "a \"b\" # c" -j DROP"#)
    }

    @Test("a rule that is forged into another one's comment is none")
    func forged() throws {
        let text = """
            *filter
            [0:0] -A INPUT -s 203.0.113.4/32 -m comment --comment "x
            [0:0] -A INPUT -s 198.51.100.1/32 -j DROP
            COMMIT
            y" -j ACCEPT
            COMMIT

            """
        let rules = try #require(SavedRules(text))
        #expect(rules.rules.count == 1)
        #expect(rules.rules[0].specification.hasSuffix("y\" -j ACCEPT"))
    }

    @Test("a table that iptables-nft cannot read is not taken for empty")
    func incompatible() throws {
        let rules = try #require(SavedRules("# Table `filter' is incompatible, use 'nft' tool.\n\n"))
        #expect(rules.incompatible == ["filter"] && rules.tables.isEmpty)
    }

    @Test(
        "what iptables-save does not print is refused as a whole",
        arguments: [
            "*filter\n-A INPUT -j DROP\nCOMMIT\n", "[0:0] -A INPUT -j DROP\n",
            "*filter\n[0:0] -I INPUT -j DROP\n",
            "*filter\n[0] -A INPUT\n", "*filter\n[0:0] -A \n", "*filter\nrubbish\n",
            "*filter\n[0:0] -A INPUT -m comment --comment \"open -j DROP\nCOMMIT\n",
        ]
    )
    func refused(_ text: String) { #expect(SavedRules(text) == nil) }
}
