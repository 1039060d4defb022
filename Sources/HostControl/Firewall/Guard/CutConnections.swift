package import ControlProtocol
package import Topology

/// Connections that rules of ours cut, to be ended at once and at both ends.
///
/// A rule only answers packets. A connection that says nothing (elections are silent for hours) would stay
/// established: a follower would wait out `syncLimit` before it noticed, a client that waits for a reply as long as it has
/// patience (*measured*: 6 and 9 s, one division in ten). The kernel aborts this host's end and sends the other one a
/// reset, which the rules let pass.
package enum CutConnections: Hashable, Sendable {
    /// All of the ports but the spared one, which this host has with itself.
    case closed(ClosedPorts)
    /// By a wall on this host.
    case walled(Wall, protectedPorts: [Port])
    /// By the wall of the host at the other end.
    case severed(Wall, protectedPorts: [Port])

    func contains(_ connection: SocketDiagnosis.Entry) -> Bool {
        switch self {
        case .closed(let closed):
            let isSpared =
                connection.remote.port == closed.exception
                && connection.remote.address == connection.local.address
            return closed.ports.contains(connection.local.port) && !isSpared
        // The rules spare what is made to a protected port of the walled host, whatever port it comes from.
        case .walled(let wall, let protectedPorts):
            return Self.concerns(wall, connection, sparing: [connection.local.port], protectedPorts)
        // Which host made a connection is not told: one between a protected port and another counts as made to it.
        case .severed(let wall, let protectedPorts):
            let ports = [connection.local.port, connection.remote.port]
            return Self.concerns(wall, connection, sparing: ports, protectedPorts)
        }
    }

    private static func concerns(
        _ wall: Wall,
        _ connection: SocketDiagnosis.Entry,
        sparing ends: [Port],
        _ protectedPorts: [Port]
    ) -> Bool {
        guard wall.peers.contains(connection.remote.address) else { return false }
        return switch wall.scope {
        case .ports(let numbers):
            numbers.contains(connection.local.port) || numbers.contains(connection.remote.port)
        case .allTCP: !ends.contains(where: protectedPorts.contains)
        }
    }
}
