import Glibc
import SystemCalls
import Topology

/// TCP connections that are never waited for beyond a deadline.
enum Connection {
    /// How far an attempt has come.
    enum Progress: Equatable {
        case pending
        case connected
        case failed(Int32)
    }

    /// Ports that no client gets by itself, and only the superuser at all.
    private static let reserved = 600..<1024

    /// Begins to connect; `fromReserved`: from such a port, if one can be had.
    ///
    /// The caller closes the descriptor; there is none when not even a socket could be had.
    static func begin(
        _ address: IPAddress,
        _ port: Port,
        fromReserved: Bool = false
    ) -> (descriptor: Int32?, progress: Progress) {
        let family = address.family == .ipv4 ? AF_INET : AF_INET6
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let descriptor = socket(family, type, Int32(IPPROTO_TCP))
        guard descriptor >= 0 else { return (nil, .failed(errno)) }
        if fromReserved { bindReserved(descriptor, address.family) }
        let result = withSocketAddress(address, port) { Glibc.connect(descriptor, $0, $1) }
        if result == 0 { return (descriptor, .connected) }
        let code = errno
        return (descriptor, code == EINPROGRESS ? .pending : .failed(code))
    }

    private static func bindReserved(_ descriptor: Int32, _ family: IPAddress.Family) {
        guard let any = IPAddress(family == .ipv4 ? "0.0.0.0" : "::") else { return }
        for number in reserved.shuffled() {
            guard let port = Port(number) else { continue }
            let result = withSocketAddress(any, port) { bind(descriptor, $0, $1) }
            // Without the right to any of them, there is no use in trying the others.
            if result == 0 || errno != EADDRINUSE { return }
        }
    }

    /// What became of an attempt, once its socket is writable.
    static func verdict(of descriptor: Int32) -> Progress {
        var code: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        guard getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &size) == 0 else { return .failed(errno) }
        return code == 0 ? .connected : .failed(code)
    }

    /// Nil when it has none.
    static func localPort(of descriptor: Int32) -> Port? {
        var address = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let isNamed = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &size) == 0 }
        }
        guard isNamed else { return nil }
        // In both families the port follows the family, in network order.
        return withUnsafeBytes(of: &address) { Port(Int($0[2]) << 8 | Int($0[3])) }
    }

    /// False when the deadline passed first.
    static func wait(_ descriptor: Int32, for events: Int32, until deadline: ContinuousClock.Instant) -> Bool
    {
        while true {
            var entry = pollfd(fd: descriptor, events: Int16(events), revents: 0)
            let left = max(0, ContinuousClock.now.duration(to: deadline).milliseconds + 1)
            let ready = poll(&entry, 1, Int32(left))
            if ready > 0 { return true }
            if ready < 0, errno == EINTR { continue }
            guard ready == 0, ContinuousClock.now < deadline else { return false }
        }
    }

    private static func withSocketAddress(
        _ address: IPAddress,
        _ port: Port,
        _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        switch address.family {
        case .ipv4:
            var target = sockaddr_in()
            target.sin_family = sa_family_t(AF_INET)
            target.sin_port = port.number.bigEndian
            withUnsafeMutableBytes(of: &target.sin_addr) { $0.copyBytes(from: address.bytes) }
            return withUnsafeBytes(of: &target) { bytes in Self.connect(bytes, body) }
        case .ipv6:
            var target = sockaddr_in6()
            target.sin6_family = sa_family_t(AF_INET6)
            target.sin6_port = port.number.bigEndian
            withUnsafeMutableBytes(of: &target.sin6_addr) { $0.copyBytes(from: address.bytes) }
            return withUnsafeBytes(of: &target) { bytes in Self.connect(bytes, body) }
        }
    }

    private static func connect(
        _ bytes: UnsafeRawBufferPointer,
        _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        guard let base = bytes.baseAddress else { return -1 }
        return body(base.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count))
    }
}
