package import Topology

/// What came of a wall that was put up and removed again for a trial; both times the kernel was read afterwards.
package struct PilotReport: Hashable, Sendable, Codable {
    package let backend: FirewallBackend
    /// How many rules stood.
    package let rules: Int
    /// From the order to the kernel's word that exactly this wall stands.
    package let upMilliseconds: Int
    /// From the order to the kernel's word that nothing of ours is left.
    package let downMilliseconds: Int
    /// What was seen that may get in the way of a real wall; a sentence each.
    package let interference: [String]

    package init(
        backend: FirewallBackend,
        rules: Int,
        upMilliseconds: Int,
        downMilliseconds: Int,
        interference: [String]
    ) {
        self.backend = backend
        self.rules = rules
        self.upMilliseconds = upMilliseconds
        self.downMilliseconds = downMilliseconds
        self.interference = interference
    }
}

extension Wall {
    /// For documentation (RFC 5737, RFC 3849): no host has these, so that a wall against them cuts nothing off.
    ///
    /// The IPv6 block is a small part of the one for documentation, so that an agent tells a wall for a trial by it.
    package static let pilotBlocks = ["192.0.2.0/24", "2001:db8:6d69::/48"].compactMap { AddressBlock($0) }

    /// Of as many peers as a real one, in both families.
    package static func pilot(peers count: Int, scope: Scope) -> Wall {
        // Those that examples do not begin with: some networks have them after all.
        let numbers = 201...(200 + max(1, min(count, 50)))
        let peers = numbers.flatMap { ["192.0.2.\($0)", "2001:db8:6d69::\($0)"] }.compactMap { IPAddress($0) }
        return Wall(peers: peers, scope: scope)
    }

    /// Whether it can only be one that was put up for a trial.
    package var isPilot: Bool {
        !peers.isEmpty && peers.allSatisfy { peer in Self.pilotBlocks.contains { $0.contains(peer) } }
    }
}
