import ControlProtocol
import FoundationEssentials
import Glibc
import Topology

/// Established TCP connections, from the kernel's own table.
///
/// The table is that of the agent's network namespace: the one in which the agent installs its rules and in
/// which the server runs. An agent in another namespace than its server would be wrong about both.
enum PeerSocketTable {
    private static let limit = 64 << 20

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
        guard let first = table(directory + "/tcp") else { return nil }
        let sixth: String
        do throws(FileError) {
            sixth = try text(directory + "/tcp6")
        } catch .unavailable(_, _, code: ENOENT) {
            sixth = ""
        } catch {
            return nil
        }
        return parse(first, ports: ports) + parse(sixth, ports: ports)
    }

    private static func table(_ path: String) -> String? {
        do throws(FileError) {
            return try text(path)
        } catch {
            return nil
        }
    }

    private static func text(_ path: String) throws(FileError) -> String {
        String(decoding: try OpenFile(path, O_RDONLY).content(limit: limit), as: UTF8.self)
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

    static func parse(_ table: String, ports: Set<Port>) -> [PeerSocket] {
        table.split(separator: "\n").dropFirst().compactMap { line in
            let fields = line.split(separator: " ", omittingEmptySubsequences: true)
            // 01 is TCP_ESTABLISHED.
            guard fields.count > 3, fields[3] == "01", let local = endpoint(fields[1]),
                let remote = endpoint(fields[2])
            else { return nil }
            return peer(local: local, remote: remote, ports)
        }
    }

    /// `0100007F:1F90`: words of 32 bits in the machine's byte order.
    private static func endpoint(_ text: Substring) -> (address: IPAddress, port: Port)? {
        let parts = text.split(separator: ":")
        guard parts.count == 2, let port = Int(parts[1], radix: 16).flatMap({ Port($0) }) else { return nil }
        var bytes: [UInt8] = []
        var rest = parts[0]
        while rest.count >= 8 {
            guard let word = UInt32(rest.prefix(8), radix: 16) else { return nil }
            withUnsafeBytes(of: word) { bytes += Array($0) }
            rest = rest.dropFirst(8)
        }
        return IPAddress(wire: bytes[...]).map { ($0, port) }
    }
}
