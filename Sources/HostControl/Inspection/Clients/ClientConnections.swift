import ControlProtocol
import SystemCalls
import Topology

/// Established connections with a server's ports for clients, from the kernel's own table.
enum ClientConnections {
    /// How many of each address with each port, in order; nil when the kernel's table cannot be read.
    static func read(ports: Set<Port>) -> [ClientsReport.Connections]? {
        guard !ports.isEmpty else { return [] }
        if let entries = SocketDiagnosis.established() {
            return count(entries.map { (port: $0.local.port, address: $0.remote.address) }, on: ports)
        }
        return read(ports: ports, in: "/proc/self/net")
    }

    static func read(ports: Set<Port>, in directory: String) -> [ClientsReport.Connections]? {
        TCPTable.read(in: directory).map { count(established($0), on: ports) }
    }

    /// The server's end of each connection alone: a client on the server's own host has the other end there too.
    static func count(
        _ ends: [(port: Port, address: IPAddress)],
        on ports: Set<Port>
    ) -> [ClientsReport.Connections] {
        var counts: [IPAddress: [Port: Int]] = [:]
        for end in ends where ports.contains(end.port) {
            counts[end.address, default: [:]][end.port, default: 0] += 1
        }
        return counts.sorted { $0.key < $1.key }.flatMap { address, byPort in
            byPort.sorted { $0.key < $1.key }.map { port, count in
                ClientsReport.Connections(address: address, port: port, count: count)
            }
        }
    }

    static func established(_ table: [TCPSocket]) -> [(port: Port, address: IPAddress)] {
        table.compactMap { socket in
            guard socket.state == .established, let port = Port(socket.local.port),
                let address = IPAddress(wire: socket.remote.address[...])
            else { return nil }
            return (port, address)
        }
    }
}
