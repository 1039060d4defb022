import ControlProtocol
import FoundationEssentials
import Testing
import Topology

@testable import HostControl

/// Files that bring hand-made rules back when a host starts.
@Suite struct RuleFilesTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private func write(_ path: String, _ text: String) throws {
        let whole = scratch.path + path
        let folder = String(whole[..<(try #require(whole.lastIndex(of: "/")))])
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try Data(text.utf8).write(to: URL(filePath: whole))
    }

    private func found() -> [String] {
        RuleFiles(root: scratch.path).read(IptablesVerdictTests.sought).copies
            .map { "\($0.path):\($0.line.map(String.init) ?? "-")" }
    }

    private func cuts() -> [String] {
        RuleFiles(root: scratch.path).read(IptablesVerdictTests.sought).cuts
            .map { "\($0.place) \($0.set)" }
    }

    @Test("a host without such files has no copies")
    func none() { #expect(found().isEmpty) }

    @Test("iptables' files: saved lines, and lines as a person writes them, by file and line")
    func saved() throws {
        try write(
            "/etc/iptables/rules.v4",
            """
            # of the migration
            *filter
            :INPUT ACCEPT [0:0]
            -A INPUT -d 198.51.100.1/32 -j REJECT --reject-with icmp-port-unreachable
            [3:180] -A OUTPUT -d 198.51.100.2/32 -j DROP
            -A INPUT -s 198.51.100.1/32 -p tcp -m tcp --dport 22 -j ACCEPT
            -A INPUT -s 198.51.100.11/32 -j DROP
            -A FORWARD -s 198.51.100.1/32 -j DROP
            -I INPUT 1 --source 203.0.113.5,198.51.100.2 --jump DROP
            # -A INPUT -s 198.51.100.1/32 -j DROP
            COMMIT
            """
        )
        try write("/etc/sysconfig/ip6tables", "*filter\r\n-A INPUT -s 2001:db8::1 -j DROP\r\nCOMMIT\r\n")
        #expect(
            found() == [
                "/etc/iptables/rules.v4:4", "/etc/iptables/rules.v4:5", "/etc/iptables/rules.v4:9",
                "/etc/sysconfig/ip6tables:2",
            ]
        )
    }

    @Test("nft's files, with what they include and define")
    func native() throws {
        try write(
            "/etc/nftables.conf",
            """
            #!/usr/sbin/nft -f
            flush ruleset
            define peers = { 198.51.100.1,
                             198.51.100.2 }
            include "/etc/nftables.d/*.nft"
            table inet filter {
                set blocklist {
                    type ipv4_addr
                    elements = { 198.51.100.1 }
                }
                chain input {
                    type filter hook input priority 0; policy drop;
                    ip saddr 198.51.100.1 tcp dport 2181 drop
                    ip saddr 198.51.100.1 accept
                    ip saddr 198.51.100.11 drop
                    ip saddr $peers counter reject # as agreed
                    ip saddr @blocklist drop
                    ip saddr {
                        203.0.113.9,
                        198.51.100.2
                    } drop; ip daddr 198.51.100.1 reject with icmp type host-unreachable
                    ip saddr 203.0.113.1 drop comment "as 198.51.100.1"
                    # ip saddr 198.51.100.1 drop
                }
            }
            """
        )
        try write(
            "/etc/nftables.d/a.nft",
            "include \"more/b.nft\"\nadd rule inet filter input ip6 saddr 2001:db8::1 drop\n"
        )
        try write("/etc/more/b.nft", "insert rule ip filter OUTPUT ip daddr $peers drop\n")
        #expect(
            found() == [
                "/etc/nftables.conf:16", "/etc/nftables.conf:20", "/etc/nftables.conf:21",
                "/etc/nftables.d/a.nft:2", "/etc/more/b.nft:1",
            ]
        )
        #expect(cuts() == ["/etc/nftables.conf:17 nft set blocklist"])
    }

    @Test("what nft's files drop by a set that holds an address, wherever the set gets it from")
    func nativeSets() throws {
        try write(
            "/etc/nftables.conf",
            """
            define peer = 198.51.100.2
            table inet filter {
                set cut { type ipv4_addr; flags interval; elements = { 203.0.113.9,
                    198.51.100.0/24 timeout 1h } }
                set free {
                    type ipv4_addr; elements = { 203.0.113.9 comment "198.51.100.1" }
                }
                set late { type ipv4_addr; }
                set pairs { type ipv4_addr . inet_service; elements = { 198.51.100.1 . 2181 } }
                chain input {
                    ip saddr @cut drop
                    ip saddr @cut accept
                    ip saddr @cut tcp dport 22 drop
                    ip saddr != @cut drop
                    ip saddr @free drop
                    ip saddr . tcp dport @pairs drop
                    ip saddr 203.0.113.1 add @cut { ip saddr } drop
                    ip daddr @late counter reject
                }
            }
            include "/etc/sets.nft"
            """
        )
        try write("/etc/sets.nft", "add element inet filter late { $peer }\n")
        #expect(found().isEmpty)
        #expect(
            cuts() == ["/etc/nftables.conf:11 nft set cut", "/etc/nftables.conf:18 nft set late"]
        )
    }

    @Test("what iptables' files drop by an ipset that holds an address, saved or in the kernel")
    func savedSets() throws {
        try write(
            "/etc/iptables/rules.v4",
            """
            *filter
            -A INPUT -m set --match-set cut src -j DROP
            -A INPUT -m set --match-set cut src -j ACCEPT
            -A INPUT -m set --match-set live src -j REJECT --reject-with icmp-port-unreachable
            -A FORWARD -m set --match-set cut src -j DROP
            COMMIT
            """
        )
        #expect(cuts().isEmpty)
        try write("/etc/iptables/ipsets", "create cut hash:ip family inet\nadd cut 198.51.100.1\n")
        #expect(cuts() == ["/etc/iptables/rules.v4:2 ipset cut"])
        var sought = IptablesVerdictTests.sought
        sought.sets = HeldSets(saved: "add live 198.51.100.2\n", sought: sought)
        let read = RuleFiles(root: scratch.path).read(sought)
        #expect(
            read.cuts.map(\.reason) == [
                "its ipset cut holds 198.51.100.1", "its ipset live holds 198.51.100.2",
            ]
        )
        #expect(read.copies.isEmpty)
    }

    @Test("firewalld's files: direct rules, rich rules, and sources of a zone that drops")
    func firewalld() throws {
        try write(
            "/etc/firewalld/direct.xml",
            """
            <?xml version="1.0" encoding="utf-8"?>
            <direct>
              <!-- <rule priority="0" table="filter" ipv="ipv4" chain="INPUT">-s 198.51.100.1 -j DROP</rule> -->
              <rule priority="0" table="filter" ipv="ipv4" chain="INPUT">-s 198.51.100.1 -j DROP</rule>
              <rule priority="0" table="filter" ipv="ipv4" chain="INPUT">-s 198.51.100.1 -p tcp --dport 22 -j DROP</rule>
              <passthrough ipv="ipv4">-I OUTPUT -d 198.51.100.2 -j REJECT</passthrough>
            </direct>
            """
        )
        try write(
            "/etc/firewalld/zones/public.xml",
            """
            <zone>
              <rule family="ipv4">
                <source address="198.51.100.1"/>
                <reject type="icmp-port-unreachable"/>
              </rule>
              <rule family="ipv4"><source address="198.51.100.1"/><port port="22" protocol="tcp"/><drop/></rule>
              <rule family="ipv4"><source address="198.51.100.1"/><accept/></rule>
              <rule family="ipv4"><source invert="True" address="198.51.100.1"/><drop/></rule>
            </zone>
            """
        )
        try write(
            "/etc/firewalld/zones/drop.xml",
            "<zone target=\"DROP\">\n<source address=\"198.51.100.2\"/>\n</zone>"
        )
        try write(
            "/etc/firewalld/zones/trusted.xml",
            "<zone target=\"ACCEPT\"><source address=\"198.51.100.2\"/></zone>"
        )
        #expect(
            found() == [
                "/etc/firewalld/direct.xml:4", "/etc/firewalld/direct.xml:6",
                "/etc/firewalld/zones/drop.xml:2",
                "/etc/firewalld/zones/public.xml:3",
            ]
        )
    }

    @Test("firewalld's sets: what drops one that holds an address cuts it off, and what does not does not")
    func firewalldSets() throws {
        try write(
            "/etc/firewalld/ipsets/cut.xml",
            "<ipset type=\"hash:ip\">\n<entry>203.0.113.9</entry>\n<entry> 198.51.100.2 </entry>\n</ipset>"
        )
        try write(
            "/etc/firewalld/ipsets/free.xml",
            "<ipset type=\"hash:ip\"><!-- <entry>198.51.100.2</entry> --><entry>203.0.113.9</entry></ipset>"
        )
        try write(
            "/etc/firewalld/zones/drop.xml",
            "<zone target=\"DROP\">\n<source ipset=\"cut\"/>\n<source ipset=\"free\"/>\n</zone>"
        )
        try write(
            "/etc/firewalld/zones/public.xml",
            """
            <zone>
              <source ipset="cut"/>
              <rule family="ipv4"><source ipset="cut"/><reject/></rule>
              <rule family="ipv4"><source ipset="cut" invert="True"/><reject/></rule>
              <rule family="ipv4"><source ipset="cut"/><accept/></rule>
              <rule family="ipv4"><source ipset="free"/><drop/></rule>
            </zone>
            """
        )
        try write(
            "/etc/firewalld/direct.xml",
            """
            <direct>
              <rule ipv="ipv4" table="filter" chain="INPUT" priority="0">-m set --match-set cut src -j DROP</rule>
              <rule ipv="ipv4" table="filter" chain="INPUT" priority="0">-m set --match-set cut src -j ACCEPT</rule>
              <rule ipv="ipv4" table="filter" chain="INPUT" priority="0">-p tcp --dport 22 -m set --match-set cut src -j DROP</rule>
            </direct>
            """
        )
        let read = RuleFiles(root: scratch.path).read(IptablesVerdictTests.sought)
        #expect(read.copies.isEmpty)
        #expect(
            read.cuts.map(\.place) == [
                "/etc/firewalld/direct.xml:2", "/etc/firewalld/zones/drop.xml:2",
                "/etc/firewalld/zones/public.xml:3",
            ]
        )
        #expect(read.cuts.allSatisfy { $0.reason == "its ipset cut holds 198.51.100.2" })
        #expect(read.cuts.allSatisfy { $0.set == "ipset cut" })
        #expect(read.others.map(\.place) == ["/etc/firewalld/direct.xml:4"])
    }

    @Test("what is there and cannot be looked into is not taken for clean")
    func unreadable() throws {
        try FileManager.default.createDirectory(
            atPath: scratch.path + "/etc/iptables/rules.v4",
            withIntermediateDirectories: true
        )
        try write("/etc/nftables.conf", String(repeating: "#", count: (8 << 20) + 1))
        try write("/etc/firewalld", "no folder")
        #expect(found() == ["/etc/iptables/rules.v4:-", "/etc/nftables.conf:-", "/etc/firewalld:-"])
    }
}
