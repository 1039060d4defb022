import ControlProtocol
import Topology

/// The border at which a wall is accepted: behind it, peers and ports are known to make sense.
struct WallCheck: Sendable {
    /// Never matched by any rule; sorted, without duplicates.
    let protectedPorts: [Port]

    init(protectedPorts: [Port]) { self.protectedPorts = Array(Set(protectedPorts)).sorted() }

    /// The wall in normal order, as `Wall.init` gives it (decoding does not).
    func accepted(_ wall: Wall) throws(FirewallError) -> Wall {
        guard !wall.peers.isEmpty else {
            throw .refused(refusal: .invalid(reason: "a wall needs at least one peer address"))
        }
        let own = try HostAddresses.current()
        for peer in wall.peers {
            let objection = own.contains(peer) ? "it is this host's own address" : Self.objection(to: peer)
            if let reason = objection {
                throw .refused(refusal: .invalid(reason: "\(peer) cannot be a peer: \(reason)"))
            }
        }
        switch wall.scope {
        case .allTCP: break
        case .ports(let numbers):
            guard !numbers.isEmpty else {
                throw .refused(refusal: .invalid(reason: "a wall by ports needs at least one port"))
            }
            if let port = numbers.first(where: protectedPorts.contains) {
                throw .refused(
                    refusal: .notAllowed(
                        reason: "the agent refuses to match its own port or another protected one (\(port)); "
                            + "take it out of the wall's ports"
                    )
                )
            }
        }
        return Wall(peers: wall.peers, scope: wall.scope)
    }

    /// The closed ports in normal order.
    func accepted(_ closed: ClosedPorts) throws(FirewallError) -> ClosedPorts {
        guard !closed.ports.isEmpty else {
            throw .refused(refusal: .invalid(reason: "closing ports needs at least one port"))
        }
        if let port = closed.ports.first(where: protectedPorts.contains) {
            throw .refused(
                refusal: .notAllowed(
                    reason: "the agent refuses to close its own port or another protected one (\(port)); "
                        + "take it out of the ports to be closed"
                )
            )
        }
        if let exception = closed.exception, closed.ports.contains(exception) {
            throw .refused(
                refusal: .invalid(
                    reason:
                        "a connection from port \(exception) cannot be spared when that port is closed itself; "
                        + "use another local port"
                )
            )
        }
        return ClosedPorts(ports: closed.ports, exception: closed.exception)
    }

    private static func objection(to peer: IPAddress) -> String? {
        let bytes = peer.bytes
        switch peer.family {
        case .ipv4:
            if bytes[0] == 0 { return "it is the unspecified address" }
            if bytes[0] == 127 { return "it is a loopback address" }
            if (224...239).contains(bytes[0]) { return "it is a multicast address" }
            if bytes.allSatisfy({ $0 == 255 }) { return "it is the broadcast address" }
        case .ipv6:
            if bytes.allSatisfy({ $0 == 0 }) { return "it is the unspecified address" }
            if bytes.dropLast().allSatisfy({ $0 == 0 }), bytes[15] == 1 {
                return "it is the loopback address"
            }
            if bytes[0] == 0xff { return "it is a multicast address" }
            if bytes.prefix(10).allSatisfy({ $0 == 0 }), bytes[10] == 0xff, bytes[11] == 0xff {
                // On the wire such a peer speaks IPv4, which an IPv6 rule never sees.
                return "it is an IPv4 address written as IPv6; give the IPv4 address"
            }
        }
        return nil
    }
}
