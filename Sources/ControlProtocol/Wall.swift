package import Topology

/// The rules that cut a host off from its peers, as a desired end: inbound by source address, outbound
/// by destination address, answered with a TCP reset so that established connections die at once.
package struct Wall: Hashable, Sendable, Codable {
    package enum Scope: Hashable, Sendable, Codable {
        /// These TCP ports, both as source and as destination port.
        case ports(numbers: [Port])
        /// All TCP but what comes in to the host's protected ports (the agent's own and SSH), and its answers.
        case allTCP
    }

    /// Every address of every peer, IPv4 and IPv6.
    ///
    /// Never empty in a valid command.
    package let peers: [IPAddress]
    package let scope: Scope

    package init(peers: [IPAddress], scope: Scope) {
        self.peers = Array(Set(peers)).sorted()
        switch scope {
        case .ports(let numbers): self.scope = .ports(numbers: Array(Set(numbers)).sorted())
        case .allTCP: self.scope = .allTCP
        }
    }
}

package enum FirewallBackend: String, Hashable, Sendable, Codable, CaseIterable {
    case nftables
    case iptablesNft = "iptables-nft"
    case iptablesLegacy = "iptables-legacy"
}

/// What the kernel holds of ours, read back from it; never what somebody remembers having installed.
package struct InstalledRules: Hashable, Sendable, Codable {
    package struct Counter: Hashable, Sendable, Codable {
        /// `input` or `output`.
        package let chain: String
        package let family: IPAddress.Family
        package let packets: UInt64
        package let bytes: UInt64

        package init(chain: String, family: IPAddress.Family, packets: UInt64, bytes: UInt64) {
            self.chain = chain
            self.family = family
            self.packets = packets
            self.bytes = bytes
        }
    }

    package let backend: FirewallBackend
    /// Nil when no wall is there.
    ///
    /// A half-installed or altered set of rules reads as nil with a `count` above 0.
    package let wall: Wall?
    /// Nil when no ports are closed, and for an altered set of rules, as with `wall`.
    package let closed: ClosedPorts?
    /// Rules of ours in the kernel, in every backend of the host (residue of another backend counts).
    package let count: Int
    /// Packets that the wall rejected; those of closed ports are not among them.
    package let counters: [Counter]
    /// The kernel's own listing of our tables or chains; empty when there are none.
    package let listing: String
    /// How many times the agent has put these rules back, because somebody else had changed or removed them, since
    /// they were installed.
    package let restored: Int
    /// Why the kernel could not be asked; then `count` is 1, so that nobody takes it for clear.
    package internal(set) var unreadable: String?
    /// Whether the agent puts rules back that somebody else removes; nil when it does not say.
    package let isWatched: Bool?

    package init(
        backend: FirewallBackend,
        wall: Wall?,
        closed: ClosedPorts? = nil,
        count: Int,
        counters: [Counter],
        listing: String,
        restored: Int = 0,
        unreadable: String? = nil,
        isWatched: Bool? = nil
    ) {
        self.backend = backend
        self.wall = wall
        self.closed = closed
        self.count = count
        self.counters = counters
        self.listing = listing
        self.restored = restored
        self.unreadable = unreadable
        self.isWatched = isWatched
    }
}

extension InstalledRules {
    /// An agent that knows nothing of closed ports or of putting rules back sends neither.
    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        backend = try values.decode(FirewallBackend.self, forKey: .backend)
        wall = try values.decodeIfPresent(Wall.self, forKey: .wall)
        closed = try values.decodeIfPresent(ClosedPorts.self, forKey: .closed)
        count = try values.decode(Int.self, forKey: .count)
        counters = try values.decode([Counter].self, forKey: .counters)
        listing = try values.decode(String.self, forKey: .listing)
        restored = try values.decodeIfPresent(Int.self, forKey: .restored) ?? 0
        unreadable = try values.decodeIfPresent(String.self, forKey: .unreadable)
        isWatched = try values.decodeIfPresent(Bool.self, forKey: .isWatched)
    }
}
