import ControlProtocol
import SystemCalls
import Topology

/// Established TCP connections, from the kernel's own table.
///
/// The table is that of the agent's network namespace: the one in which the agent installs its rules and in
/// which the server runs. An agent in another namespace than its server would be wrong about both.
enum PeerSocketTable {
    /// Connections on any of these ports, at either end, except those of an address with itself.
    ///
    /// Nil when the kernel's table cannot be read.
    static func read(ports: Set<Port>) -> [PeerSocket]? {
        guard !ports.isEmpty else { return [] }
        if let entries = SocketDiagnosis.established() {
            return entries.compactMap { peer(local: $0.local, remote: $0.remote, ports) }
        }
        return read(ports: ports, in: "/proc/self/net")
    }

    /// Only the table of IPv6 may be absent, on a kernel without it.
    static func read(ports: Set<Port>, in directory: String) -> [PeerSocket]? {
        TCPTable.read(in: directory).map { established($0, ports: ports) }
    }

    private static func peer(
        local: (address: IPAddress, port: Port),
        remote: (address: IPAddress, port: Port),
        _ ports: Set<Port>
    ) -> PeerSocket? {
        guard local.address != remote.address, ports.contains(local.port) || ports.contains(remote.port)
        else { return nil }
        return PeerSocket(localPort: local.port, remoteAddress: remote.address, remotePort: remote.port)
    }

    static func established(_ table: [TCPSocket], ports: Set<Port>) -> [PeerSocket] {
        table.compactMap { socket in
            guard socket.state == .established, let local = endpoint(socket.local),
                let remote = endpoint(socket.remote)
            else { return nil }
            return peer(local: local, remote: remote, ports)
        }
    }

    private static func endpoint(_ end: TCPSocket.End) -> (address: IPAddress, port: Port)? {
        guard let port = Port(end.port), let address = IPAddress(wire: end.address[...]) else { return nil }
        return (address, port)
    }
}
