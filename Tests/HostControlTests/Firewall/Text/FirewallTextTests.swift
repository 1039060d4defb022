import ControlProtocol
import Testing
import Topology

@testable import HostControl

/// The exact text for each backend, and reading the kernel's answers back.
@Suite struct FirewallTextTests {
    private let ports = Wall(
        peers: [address("198.51.100.11"), address("2001:db8::11")],
        scope: .ports(numbers: [port(3888), port(2888)])
    )
    private let allTCP = Wall(peers: [address("198.51.100.11")], scope: .allTCP)

    private func preview(_ backend: FirewallBackend, _ wall: Wall) throws -> String {
        try HostFirewall(backend: backend, protectedPorts: [port(9760), port(22)]).preview(wall)
    }

    @Test("an iptables wall by ports reads like this")
    func iptablesPorts() throws {
        #expect(
            try preview(.iptablesNft, ports) == """
                # iptables-nft-restore --noflush --wait=8
                *filter
                :MITOSIS-INPUT - [0:0]
                :MITOSIS-OUTPUT - [0:0]
                -A MITOSIS-INPUT -p tcp -m tcp --tcp-flags RST RST -j RETURN
                -A MITOSIS-INPUT -p tcp -m multiport --dports 22,9760 -j RETURN
                -A MITOSIS-INPUT -s 198.51.100.11/32 -p tcp -m multiport --ports 2888,3888 -j REJECT \
                --reject-with tcp-reset
                -A MITOSIS-OUTPUT -p tcp -m tcp --tcp-flags RST RST -j RETURN
                -A MITOSIS-OUTPUT -p tcp -m multiport --sports 22,9760 -m tcp ! --tcp-flags SYN,ACK SYN \
                -j RETURN
                -A MITOSIS-OUTPUT -d 198.51.100.11/32 -p tcp -m multiport --ports 2888,3888 -j REJECT \
                --reject-with tcp-reset
                -I INPUT 1 -j MITOSIS-INPUT
                -I OUTPUT 1 -j MITOSIS-OUTPUT
                COMMIT

                # ip6tables-nft-restore --noflush --wait=8
                *filter
                :MITOSIS-INPUT - [0:0]
                :MITOSIS-OUTPUT - [0:0]
                -A MITOSIS-INPUT -p tcp -m tcp --tcp-flags RST RST -j RETURN
                -A MITOSIS-INPUT -p tcp -m multiport --dports 22,9760 -j RETURN
                -A MITOSIS-INPUT -s 2001:db8::11/128 -p tcp -m multiport --ports 2888,3888 -j REJECT \
                --reject-with tcp-reset
                -A MITOSIS-OUTPUT -p tcp -m tcp --tcp-flags RST RST -j RETURN
                -A MITOSIS-OUTPUT -p tcp -m multiport --sports 22,9760 -m tcp ! --tcp-flags SYN,ACK SYN \
                -j RETURN
                -A MITOSIS-OUTPUT -d 2001:db8::11/128 -p tcp -m multiport --ports 2888,3888 -j REJECT \
                --reject-with tcp-reset
                -I INPUT 1 -j MITOSIS-INPUT
                -I OUTPUT 1 -j MITOSIS-OUTPUT
                COMMIT

                """
        )
    }

    @Test("an iptables wall against all TCP reads like this")
    func iptablesAllTCP() throws {
        #expect(
            try preview(.iptablesLegacy, allTCP) == """
                # iptables-legacy-restore --noflush --wait=8
                *filter
                :MITOSIS-INPUT - [0:0]
                :MITOSIS-OUTPUT - [0:0]
                -A MITOSIS-INPUT -p tcp -m tcp --tcp-flags RST RST -j RETURN
                -A MITOSIS-INPUT -p tcp -m multiport --dports 22,9760 -j RETURN
                -A MITOSIS-INPUT -s 198.51.100.11/32 -p tcp -j REJECT --reject-with tcp-reset
                -A MITOSIS-OUTPUT -p tcp -m tcp --tcp-flags RST RST -j RETURN
                -A MITOSIS-OUTPUT -p tcp -m multiport --sports 22,9760 -m tcp ! --tcp-flags SYN,ACK SYN \
                -j RETURN
                -A MITOSIS-OUTPUT -d 198.51.100.11/32 -p tcp -j REJECT --reject-with tcp-reset
                -I INPUT 1 -j MITOSIS-INPUT
                -I OUTPUT 1 -j MITOSIS-OUTPUT
                COMMIT

                """
        )
    }

    @Test("closed ports in iptables read like this, before a wall's rules and without one")
    func iptablesClosed() throws {
        let closed = ClosedPorts(ports: [port(2182), port(2181)], exception: port(40_000))
        let text = FilterTable.empty.installation(
            of: RuleSet(wall: allTCP, closed: closed),
            family: .ipv4,
            protectedPorts: [port(22)]
        )
        #expect(
            text == """
                *filter
                :MITOSIS-INPUT - [0:0]
                :MITOSIS-OUTPUT - [0:0]
                -A MITOSIS-INPUT -p tcp -m tcp --tcp-flags RST RST -j RETURN
                -A MITOSIS-INPUT -p tcp -m multiport --dports 22 -j RETURN
                -A MITOSIS-INPUT -i lo -p tcp -m multiport --dports 2181,2182 -m tcp --sport 40000 -j RETURN
                -A MITOSIS-INPUT -p tcp -m multiport --dports 2181,2182 -j REJECT --reject-with tcp-reset
                -A MITOSIS-INPUT -s 198.51.100.11/32 -p tcp -j REJECT --reject-with tcp-reset
                -A MITOSIS-OUTPUT -p tcp -m tcp --tcp-flags RST RST -j RETURN
                -A MITOSIS-OUTPUT -p tcp -m multiport --sports 22 -m tcp ! --tcp-flags SYN,ACK SYN -j RETURN
                -A MITOSIS-OUTPUT -o lo -p tcp -m multiport --sports 2181,2182 -m tcp --dport 40000 -j RETURN
                -A MITOSIS-OUTPUT -p tcp -m multiport --sports 2181,2182 -j DROP
                -A MITOSIS-OUTPUT -d 198.51.100.11/32 -p tcp -j REJECT --reject-with tcp-reset
                -I INPUT 1 -j MITOSIS-INPUT
                -I OUTPUT 1 -j MITOSIS-OUTPUT
                COMMIT

                """
        )
        let alone = FilterTable.empty.installation(
            of: RuleSet(wall: allTCP, closed: ClosedPorts(ports: closed.ports), outbound: .reset),
            family: .ipv6,
            protectedPorts: []
        )
        #expect(
            alone == """
                *filter
                :MITOSIS-INPUT - [0:0]
                :MITOSIS-OUTPUT - [0:0]
                -A MITOSIS-INPUT -p tcp -m tcp --tcp-flags RST RST -j RETURN
                -A MITOSIS-INPUT -p tcp -m multiport --dports 2181,2182 -j REJECT --reject-with tcp-reset
                -A MITOSIS-OUTPUT -p tcp -m tcp --tcp-flags RST RST -j RETURN
                -A MITOSIS-OUTPUT -p tcp -m multiport --sports 2181,2182 -j REJECT --reject-with tcp-reset
                -I INPUT 1 -j MITOSIS-INPUT
                -I OUTPUT 1 -j MITOSIS-OUTPUT
                COMMIT

                """
        )
    }

    @Test(
        "a rule that closes something else is not taken for one of ours",
        arguments: [
            "-p tcp -m multiport --sports 2181 -j REJECT --reject-with tcp-reset",
            "-p tcp -m multiport ! --dports 2181 -j REJECT --reject-with tcp-reset",
            "-p tcp -m multiport --dports 2181 -m tcp --sport 5 -j REJECT --reject-with tcp-reset",
            "-p tcp -m multiport --dports 2181 -m tcp ! --dport 5 -j REJECT --reject-with tcp-reset",
            "-p tcp -m multiport --dports 2181 -m tcp ! --sport 5:6 -j REJECT --reject-with tcp-reset",
            "-p tcp -m multiport --dports 2181 -j REJECT --reject-with icmp-port-unreachable",
            "-p tcp -m multiport --dports 2181:2182 -j REJECT --reject-with tcp-reset",
            "-i lo -p tcp -m multiport --dports 2181 -j REJECT --reject-with tcp-reset",
            "-p tcp -m multiport --dports 2181 --ports 5 -j REJECT --reject-with tcp-reset",
            "-p tcp -m multiport --dports 2181 -m tcp ! --sport 5 -j REJECT --reject-with tcp-reset",
            "-p tcp -m multiport --dports 2181 -j DROP", "-p tcp -m multiport --sports 2181 -j RETURN",
            "-p tcp -m multiport --dports 2181 -m tcp --sport 5 -j RETURN",
            "-i eth0 -p tcp -m multiport --dports 2181 -m tcp --sport 5 -j RETURN",
            "-i lo -p tcp -m multiport --dports 2181 -j RETURN", "-i lo -p tcp -m tcp --sport 5 -j RETURN",
            "-p tcp -m multiport --dports 22 -m tcp ! --tcp-flags SYN,ACK SYN -j RETURN",
            "-p tcp -m multiport --ports 22 -j RETURN",
            "-p tcp -m tcp ! --sport 5 -j REJECT --reject-with tcp-reset",
        ]
    )
    func foreignClosing(specification: String) {
        #expect(ChainRule(specification: specification, in: .input) == nil)
    }

    @Test(
        "a rule that lets more than answers leave a protected port is not taken for one of ours",
        arguments: [
            "-p tcp -m multiport --sports 22 -j RETURN",
            "-p tcp -m multiport --sports 22 -m tcp ! --tcp-flags SYN,ACK ACK -j RETURN",
            "-p tcp -m multiport --sports 22 -m tcp --tcp-flags SYN,ACK SYN -j RETURN",
            "-p tcp -m multiport --dports 22 -m tcp ! --tcp-flags SYN,ACK SYN -j RETURN",
        ]
    )
    func foreignAnswers(specification: String) {
        #expect(ChainRule(specification: specification, in: .output) == nil)
    }

    @Test("existing jumps are taken out, wherever and however they are, and one is put first")
    func jumpsAreReplaced() throws {
        let save = """
            # Generated by iptables-save v1.8.9
            *filter
            :INPUT ACCEPT [3:180]
            :FORWARD DROP [0:0]
            :OUTPUT ACCEPT [0:0]
            :MITOSIS-INPUT - [0:0]
            [7:420] -A INPUT -s 198.51.100.0/24 -m comment --comment "our \\"own\\" -j MITOSIS-INPUT" -j ACCEPT
            [1:60] -A INPUT -j MITOSIS-INPUT
            [0:0] -A INPUT -p tcp -m comment --comment "a b" -g MITOSIS-INPUT
            [0:0] -A FORWARD -j MITOSIS-INPUT
            [2:80] -A MITOSIS-INPUT -s 198.51.100.11/32 -p tcp -j REJECT --reject-with tcp-reset
            COMMIT
            # Completed
            """
        let table = try #require(FilterTable.parse(save))
        #expect(table.count == 4)
        #expect(table.ruleSet(family: .ipv4, protectedPorts: []) == nil)
        let jumps = """
            -D INPUT -j MITOSIS-INPUT
            -D INPUT -p tcp -m comment --comment "a b" -g MITOSIS-INPUT
            -D FORWARD -j MITOSIS-INPUT

            """
        #expect(
            table.removal == """
                *filter
                :MITOSIS-INPUT - [0:0]
                :MITOSIS-OUTPUT - [0:0]
                \(jumps)-X MITOSIS-INPUT
                -X MITOSIS-OUTPUT
                COMMIT

                """
        )
        let text = table.installation(of: RuleSet(wall: allTCP), family: .ipv4, protectedPorts: [])
        #expect(text.contains("\(jumps)-I INPUT 1 -j MITOSIS-INPUT\n-I OUTPUT 1 -j MITOSIS-OUTPUT\nCOMMIT\n"))
    }

    @Test(
        "a rule that we would not have written is not taken for one of ours",
        arguments: [
            "-s 198.51.100.0/24 -p tcp -j REJECT --reject-with tcp-reset",
            "-d 198.51.100.11/32 -p tcp -j REJECT --reject-with tcp-reset",
            "! -s 198.51.100.11/32 -p tcp -j REJECT --reject-with tcp-reset",
            "-s 198.51.100.11/32 -j REJECT --reject-with tcp-reset",
            "-s 198.51.100.11/32 -p udp -j REJECT --reject-with tcp-reset",
            "-s 198.51.100.11/32 -p tcp -j REJECT --reject-with icmp-port-unreachable",
            "-s 198.51.100.11/32 -p tcp -j REJECT",
            "-s 198.51.100.11/32 -p tcp -j DROP",
            "-s 198.51.100.11/32 -p tcp -m multiport --dports 2888 -j REJECT --reject-with tcp-reset",
            "-s 198.51.100.11/32 -p tcp -m multiport ! --ports 2888 -j REJECT --reject-with tcp-reset",
            "-s 198.51.100.11/32 -i eth0 -p tcp -j REJECT --reject-with tcp-reset",
            "-p tcp -j RETURN", "-p tcp -m tcp --tcp-flags SYN SYN -j RETURN", "-j RETURN", "-p", "",
        ]
    )
    func foreignRule(specification: String) {
        #expect(ChainRule(specification: specification, in: .input) == nil)
    }

    @Test("every rule that we write is read back as itself")
    func ruleRoundTrip() {
        let many = Wall(peers: ports.peers, scope: .ports(numbers: (1...40).map { port(3000 + $0) }))
        for chain in WallChain.allCases {
            let closed = (1...17).map { port(5000 + $0) }
            let sets =
                [ports, allTCP, many].map { RuleSet(wall: $0) } + [
                    RuleSet(wall: many, closed: ClosedPorts(ports: closed)),
                    RuleSet(wall: nil, closed: ClosedPorts(ports: closed, exception: port(4999))),
                    RuleSet(wall: nil, closed: ClosedPorts(ports: closed), outbound: .reset),
                ]
            for rules in sets {
                for family in [IPAddress.Family.ipv4, .ipv6] {
                    let protectedPorts = (1...17).map { port($0) }
                    for rule in ChainRule.chain(
                        rules,
                        in: chain,
                        family: family,
                        protectedPorts: protectedPorts
                    ) {
                        let text = rule.specification(in: chain)
                        #expect(ChainRule(specification: text, in: chain) == rule, "\(text)")
                    }
                }
            }
        }
    }

    @Test("an answer that is not a listing is not read as an empty one")
    func unreadable() {
        #expect(FilterTable.parse("*filter\nsomething else\nCOMMIT\n") == nil)
        #expect(FilterTable.parse("*filter\n-A INPUT -j MITOSIS-INPUT\nCOMMIT\n") == nil)
        #expect(FilterTable.parse("")?.count == 0)
        #expect(NftablesReading(["other": []]) == nil)
    }
}
