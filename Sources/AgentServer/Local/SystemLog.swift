import Glibc

/// The host's own log, journald's or a syslog's, for what root does by hand: no unit's journal has that.
struct SystemLog: Sendable {
    /// Facility auth, severity notice.
    private static let priority = 4 << 3 | 5

    var path = "/dev/log"

    /// Waits for nobody; where nobody listens, nothing comes of it.
    func tell(_ line: String) {
        let kind = Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let descriptor = socket(AF_UNIX, kind, 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let isNamed = withUnsafeMutableBytes(of: &address.sun_path) { room in
            guard path.utf8.count < room.count else { return false }
            room.copyBytes(from: path.utf8)
            return true
        }
        guard isNamed else { return }
        let text = Array("<\(Self.priority)>mitosis-agent[\(getpid())]: \(line)".utf8)
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        withUnsafePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                _ = sendto(descriptor, text, text.count, 0, address, size)
            }
        }
    }
}
