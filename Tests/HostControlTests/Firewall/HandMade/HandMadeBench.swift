import ControlProtocol
import LabKit
import Testing
import Topology

@testable import HostControl

/// The host `walled` of a `FirewallBench`, whose operator did a mitosis by hand.
extension FirewallBench {
    static let byHand = ["198.51.100.2", "198.51.100.22", "2001:db8::2"].map(address)

    enum Kind: String, CaseIterable, Sendable {
        case nft
        case legacy
    }

    func handMade(
        state: String,
        root: String = "",
        launcher first: [String] = [],
        native: HandMadeRules.Native? = nil
    ) -> HandMadeRules {
        HandMadeRules(
            stateDirectory: state,
            tools: PacketTools(launcher: first + launcher),
            native: native ?? self.native,
            files: RuleFiles(root: root.isEmpty ? state : root)
        )
    }

    /// The kernel's nf_tables on `walled`, as an agent there has it.
    var native: HandMadeRules.Native {
        let namespace = network.namespace(of: "walled")
        return HandMadeRules.Native(
            generation: {
                do { return try FirewallSocket.inside(namespace) { RulesetGeneration.read() } } catch {
                    return nil
                }
            },
            delete: { places, generation in
                do {
                    return try FirewallSocket.inside(namespace) {
                        NativeDeletion.perform(places, at: generation)
                    }
                } catch {
                    return .failed(-1)
                }
            }
        )
    }

    /// What is published, as it is published.
    func divideByHand(_ kind: Kind) async throws {
        let list = "198.51.100.2,198.51.100.22"
        for chain in ["INPUT", "OUTPUT"] {
            try await onWalled("iptables-\(kind.rawValue)", ["-I", chain, "-d", list, "-j", "REJECT"])
            try await onWalled(
                "ip6tables-\(kind.rawValue)",
                ["-I", chain, "-d", "2001:db8::2", "-j", "REJECT"]
            )
        }
        // A second time, in another way, and with words.
        try await onWalled("iptables-\(kind.rawValue)", ["-A", "INPUT", "-s", list, "-j", "DROP"])
        try await onWalled("iptables-\(kind.rawValue)", ["-I", "OUTPUT", "-d", list, "-j", "REJECT"])
        try await onWalled(
            "iptables-\(kind.rawValue)",
            [
                "-A", "INPUT", "-s", "198.51.100.2", "-p", "tcp", "-m", "comment", "--comment",
                #"mitosis of "kafka-a", don't \ touch"#, "-j", "REJECT", "--reject-with", "tcp-reset",
            ]
        )
    }

    /// What looks alike and is not.
    func putLookalikes(_ kind: Kind) async throws {
        try await onWalled(
            "iptables-\(kind.rawValue)-restore",
            ["--noflush"],
            input: """
                *filter
                :f2b-sshd - [0:0]
                -A INPUT -s 198.51.100.2/32 -p tcp -m tcp --dport 2181 -j REJECT --reject-with tcp-reset
                -A INPUT -s 198.51.100.2/32 -i lo -j DROP
                -A INPUT -s 198.51.100.2/32 -m conntrack --ctstate NEW -j DROP
                -A INPUT -s 198.51.100.2/32 -j ACCEPT
                -A INPUT -s 198.51.100.222/32 -j DROP
                -A INPUT -s 198.51.100.0/24 -p udp -j DROP
                -A INPUT ! -s 198.51.100.2/32 -p udp -m udp --dport 9 -j DROP
                -A INPUT -m comment --comment "as 198.51.100.2" -j ACCEPT
                -A FORWARD -s 198.51.100.2/32 -j DROP
                -A f2b-sshd -s 198.51.100.2/32 -j REJECT
                COMMIT

                """
        )
    }

    static let setRules = """
        table inet ops {
        	set cut {
        		type ipv4_addr
        		flags interval
        		elements = { 198.51.100.0/24, 203.0.113.9 }
        	}
        	set six {
        		type ipv6_addr
        		elements = { 2001:db8::2 }
        	}
        	set free {
        		type ipv4_addr
        		elements = { 203.0.113.9 }
        	}
        	map fate {
        		type ipv4_addr : verdict
        		elements = { 198.51.100.22 : drop }
        	}
        	chain in {
        		type filter hook input priority 5; policy accept;
        		ip saddr @cut counter drop
        		ip saddr @cut accept
        		ip saddr @free drop
        		ip saddr vmap @fate
        	}
        	chain out {
        		type filter hook output priority 5; policy accept;
        		ip6 daddr @six reject
        	}
        }

        """

    static let nativeRules = """
        table inet ops {
        	chain in {
        		type filter hook input priority 5; policy accept;
        		ip saddr { 198.51.100.2, 198.51.100.22 } counter reject
        		ip saddr 198.51.100.2 tcp dport 2181 drop
        		ip saddr { 198.51.100.2, 203.0.113.9 } drop
        		ip6 saddr 2001:db8::2 drop
        		ip saddr 198.51.100.222 drop
        		ip saddr 198.51.100.2 accept
        	}
        	chain out {
        		type filter hook output priority 5; policy accept;
        		ip daddr 198.51.100.2 meta l4proto tcp reject with tcp reset
        		ip daddr 198.51.100.22 drop comment "by hand"
        		ip daddr 198.51.100.22 drop comment "by hand"
        	}
        	chain mine {
        		ip saddr 198.51.100.2 drop
        	}
        }

        """
}
