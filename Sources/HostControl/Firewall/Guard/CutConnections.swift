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
    case walled(Wall, protectedPorts: [Port])

    func contains(_ connection: SocketDiagnosis.Entry) -> Bool {
        switch self {
        case .closed(let closed):
            let isSpared =
                connection.remote.port == closed.exception
                && connection.remote.address == connection.local.address
            return closed.ports.contains(connection.local.port) && !isSpared
        case .walled(let wall, let protectedPorts):
            guard wall.peers.contains(connection.remote.address) else { return false }
            let ports = [connection.local.port, connection.remote.port]
            return switch wall.scope {
            case .ports(let numbers): ports.contains(where: numbers.contains)
            case .allTCP: !ports.contains(where: protectedPorts.contains)
            }
        }
    }
}
