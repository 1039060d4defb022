/// The two places where a wall acts on a host.
enum WallChain: String, CaseIterable, Sendable {
    case input
    case output

    /// Chains of our own, beside iptables' built-in ones.
    var iptablesName: String {
        switch self {
        case .input: "MITOSIS-INPUT"
        case .output: "MITOSIS-OUTPUT"
        }
    }

    var builtIn: String {
        switch self {
        case .input: "INPUT"
        case .output: "OUTPUT"
        }
    }

    /// Inbound packets carry the peer as source, outbound ones as destination.
    var nftAddressField: String {
        switch self {
        case .input: "saddr"
        case .output: "daddr"
        }
    }

    /// Where a packet at this place carries the port of this host; the peer's is in the other field.
    var hostPortField: String {
        switch self {
        case .input: "dport"
        case .output: "sport"
        }
    }

    var peerPortField: String {
        switch self {
        case .input: "sport"
        case .output: "dport"
        }
    }

    /// The interface that a packet came in by, or leaves by.
    var nftInterfaceKey: String {
        switch self {
        case .input: "iifname"
        case .output: "oifname"
        }
    }

    var iptablesInterfaceOption: String {
        switch self {
        case .input: "-i"
        case .output: "-o"
        }
    }

    var iptablesAddressOption: String {
        switch self {
        case .input: "-s"
        case .output: "-d"
        }
    }
}
