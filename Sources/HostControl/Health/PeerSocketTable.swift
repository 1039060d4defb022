import ControlProtocol
import FoundationEssentials
import Glibc
import Topology

/// Established TCP connections, from the kernel's own table.
///
/// The table is that of the agent's network namespace: the one in which the agent installs its rules and in
/// which the server runs. An agent in another namespace than its server would be wrong about both.
enum PeerSocketTable {
    /// Connections on any of these ports, at either end, except those of an address with itself.
    static func read(ports: Set<Port>) -> [PeerSocket] {
        guard !ports.isEmpty else { return [] }
        return ["/proc/self/net/tcp", "/proc/self/net/tcp6"].flatMap { path in
            KernelText.read(path).map { parse($0, ports: ports) } ?? []
        }
    }

    static func parse(_ table: String, ports: Set<Port>) -> [PeerSocket] {
        table.split(separator: "\n").dropFirst().compactMap { line in
            let fields = line.split(separator: " ", omittingEmptySubsequences: true)
            // 01 is TCP_ESTABLISHED.
            guard fields.count > 3, fields[3] == "01", let local = endpoint(fields[1]),
                let remote = endpoint(fields[2]), local.address != remote.address,
                ports.contains(local.port) || ports.contains(remote.port)
            else { return nil }
            return PeerSocket(localPort: local.port, remoteAddress: remote.address, remotePort: remote.port)
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
        let mapped = [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF]
        if bytes.count == 16, Array(bytes.prefix(12)) == mapped { bytes = Array(bytes.suffix(4)) }
        return IPAddress(bytes: bytes).map { ($0, port) }
    }
}
