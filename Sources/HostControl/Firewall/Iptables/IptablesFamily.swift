import Topology

/// How an address family appears to iptables and to nft.
extension IPAddress.Family {
    static let both: [IPAddress.Family] = [.ipv4, .ipv6]

    var iptables: String {
        switch self {
        case .ipv4: "iptables"
        case .ipv6: "ip6tables"
        }
    }

    var nftTableFamily: String {
        switch self {
        case .ipv4: "ip"
        case .ipv6: "ip6"
        }
    }

    var legacyTableNames: String {
        switch self {
        case .ipv4: "/proc/self/net/ip_tables_names"
        case .ipv6: "/proc/self/net/ip6_tables_names"
        }
    }
}
