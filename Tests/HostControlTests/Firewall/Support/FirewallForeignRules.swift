/// Rules that somebody else has on the host, of the kinds that are easily harmed or that get in the way.
extension FirewallBench {
    func putForeignRules(iptables kind: String) async throws {
        try await onWalled(
            "nft",
            ["-f", "-"],
            input: """
                table inet corporate {
                	set trusted {
                		type ipv4_addr
                		flags interval
                		elements = { 198.51.100.0/24 }
                	}
                	chain early {
                		type filter hook input priority -150; policy accept;
                		ct state established,related accept
                		ip saddr @trusted tcp dport 22 counter accept comment "ssh, always"
                	}
                	chain leaving {
                		type filter hook output priority -150; policy accept;
                		ct state established,related accept
                	}
                }

                """
        )
        try await putForeignIptables(kind)
    }

    func putForeignIptables(_ kind: String) async throws {
        for (family, network, block) in [
            ("iptables", "198.51.100.0/24", "icmp-host-prohibited"),
            ("ip6tables", "2001:db8::/64", "icmp6-adm-prohibited"),
        ] {
            try await onWalled(
                "\(family)-\(kind)-restore",
                input: """
                    *nat
                    :PREROUTING ACCEPT [0:0]
                    :INPUT ACCEPT [0:0]
                    :OUTPUT ACCEPT [0:0]
                    :POSTROUTING ACCEPT [0:0]
                    :DOCKER - [0:0]
                    -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
                    -A POSTROUTING -s \(network) ! -o docker0 -p udp -j MASQUERADE
                    COMMIT
                    *filter
                    :INPUT ACCEPT [0:0]
                    :FORWARD DROP [0:0]
                    :OUTPUT ACCEPT [0:0]
                    :DOCKER-USER - [0:0]
                    -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
                    -A INPUT -s \(network) -p tcp -m comment --comment "not -j MITOSIS-INPUT" -j ACCEPT
                    -A INPUT -p udp -m udp --dport 7 -j REJECT --reject-with \(block)
                    -A FORWARD -j DOCKER-USER
                    -A OUTPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
                    -A OUTPUT -m conntrack --ctstate INVALID -j DROP
                    -A DOCKER-USER -j RETURN
                    COMMIT

                    """
            )
        }
    }
}
