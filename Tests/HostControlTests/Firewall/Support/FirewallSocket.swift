import LabKit
import Testing
import Topology

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A TCP socket that was made in a network namespace, and so belongs to it for good.
///
/// Every call is bounded to a few seconds.
final class FirewallSocket: Sendable {
    /// How a call ended: well, or with this errno.
    enum Ending: Equatable, CustomStringConvertible {
        case fine
        case closed
        case failed(Int32)

        var description: String {
            switch self {
            case .fine: "fine"
            case .closed: "closed"
            case .failed(let number): String(cString: strerror(number))
            }
        }
    }

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private let descriptor: Int32

    private init(descriptor: Int32) throws {
        guard descriptor >= 0 else { throw Failure(description: String(cString: strerror(errno))) }
        self.descriptor = descriptor
        var limit = timeval(tv_sec: 3, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(descriptor, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
        }
    }

    deinit {
        // Ends a listener even if a child that is just being started holds a copy of the descriptor.
        shutdown(descriptor, Int32(SHUT_RDWR))
        close(descriptor)
    }

    /// Without a namespace, in the one of this process.
    static func listening(
        in namespace: String? = nil,
        at address: IPAddress,
        _ port: Port
    ) throws -> FirewallSocket {
        let socket = try make(in: namespace, address.family)
        var yes: Int32 = 1
        setsockopt(socket.descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        let bound = withSocketAddress(address, port) { bind(socket.descriptor, $0, $1) }
        guard bound == 0, listen(socket.descriptor, 8) == 0 else {
            throw Failure(description: "listen on \(address) \(port): \(String(cString: strerror(errno)))")
        }
        return socket
    }

    /// From `localPort` of whatever address the host uses, if given.
    static func connecting(
        in namespace: String,
        to address: IPAddress,
        _ port: Port,
        from localPort: Port? = nil
    ) throws -> (socket: FirewallSocket, ending: Ending) {
        let socket = try make(in: namespace, address.family)
        if let localPort {
            var yes: Int32 = 1
            setsockopt(socket.descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
            let bytes = [UInt8](repeating: 0, count: address.family == .ipv4 ? 4 : 16)
            guard let any = IPAddress(bytes: bytes),
                withSocketAddress(any, localPort, { bind(socket.descriptor, $0, $1) }) == 0
            else { throw Failure(description: "bind to \(localPort): \(String(cString: strerror(errno)))") }
        }
        let result = withSocketAddress(address, port) { connect(socket.descriptor, $0, $1) }
        return (socket, result == 0 ? .fine : .failed(errno))
    }

    func accepted() throws -> FirewallSocket { try FirewallSocket(descriptor: accept(descriptor, nil, nil)) }

    func send() -> Ending {
        let sent = Glibc.send(descriptor, [UInt8(42)], 1, Int32(MSG_NOSIGNAL))
        return sent == 1 ? .fine : .failed(errno)
    }

    func receive() -> Ending {
        var byte: UInt8 = 0
        switch recv(descriptor, &byte, 1, 0) {
        case 1: return .fine
        case 0: return .closed
        default: return .failed(errno)
        }
    }

    /// A byte there and a byte back.
    static func exchange(_ one: FirewallSocket, _ two: FirewallSocket) -> Ending {
        for ending in [one.send(), two.receive(), two.send(), one.receive()] where ending != .fine {
            return ending
        }
        return .fine
    }

    private static func make(in namespace: String?, _ family: IPAddress.Family) throws -> FirewallSocket {
        let open = {
            socket(
                family == .ipv4 ? AF_INET : AF_INET6,
                Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue),
                0
            )
        }
        return try FirewallSocket(descriptor: namespace.map { try inside($0, open) } ?? open())
    }

    /// Whatever asks the kernel in `body` asks it about this namespace.
    static func inside<Value>(_ namespace: String, _ body: () -> Value) throws -> Value {
        let home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)
        let target = open("/run/netns/\(namespace)", O_RDONLY | O_CLOEXEC)
        defer {
            close(home)
            close(target)
        }
        // There is no suspension point before the way back, so no other task sees this thread elsewhere.
        guard home >= 0, target >= 0, Self.enter(target) else {
            throw Failure(description: "cannot enter \(namespace): \(String(cString: strerror(errno)))")
        }
        let value = body()
        precondition(Self.enter(home), "the thread cannot go back to its network namespace")
        return value
    }

    /// `setns(2)`, which the C library's overlay leaves out.
    private static func enter(_ networkNamespace: Int32) -> Bool {
        guard let symbol = dlsym(nil, "setns") else { return false }
        typealias Function = @convention(c) (Int32, Int32) -> Int32
        let cloneNewNetwork: Int32 = 0x4000_0000
        return unsafeBitCast(symbol, to: Function.self)(networkNamespace, cloneNewNetwork) == 0
    }

    private static func withSocketAddress(
        _ address: IPAddress,
        _ port: Port,
        _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        switch address.family {
        case .ipv4:
            var name = sockaddr_in()
            name.sin_family = sa_family_t(AF_INET)
            name.sin_port = port.number.bigEndian
            withUnsafeMutableBytes(of: &name.sin_addr) { $0.copyBytes(from: address.bytes) }
            return withUnsafeBytes(of: &name) { raw in
                guard let base = raw.baseAddress else { return -1 }
                return body(base.assumingMemoryBound(to: sockaddr.self), socklen_t(raw.count))
            }
        case .ipv6:
            var name = sockaddr_in6()
            name.sin6_family = sa_family_t(AF_INET6)
            name.sin6_port = port.number.bigEndian
            withUnsafeMutableBytes(of: &name.sin6_addr) { $0.copyBytes(from: address.bytes) }
            return withUnsafeBytes(of: &name) { raw in
                guard let base = raw.baseAddress else { return -1 }
                return body(base.assumingMemoryBound(to: sockaddr.self), socklen_t(raw.count))
            }
        }
    }
}

/// An established connection with both its ends in hand.
struct FirewallConnection {
    let client: FirewallSocket
    let server: FirewallSocket

    init(
        from source: String,
        to destination: String,
        at address: IPAddress,
        _ port: Port,
        localPort: Port? = nil
    ) throws {
        let listener = try FirewallSocket.listening(in: destination, at: address, port)
        let (client, ending) = try FirewallSocket.connecting(in: source, to: address, port, from: localPort)
        guard ending == .fine else {
            throw FirewallSocket.Failure(description: "connect to \(address) \(port): \(ending)")
        }
        self.client = client
        server = try listener.accepted()
        let exchanged = FirewallSocket.exchange(client, server)
        guard exchanged == .fine else {
            throw FirewallSocket.Failure(description: "exchange with \(address) \(port): \(exchanged)")
        }
    }

    /// What each end sees once it has something to say.
    func endings() -> (client: FirewallSocket.Ending, server: FirewallSocket.Ending) {
        (Self.ending(of: client), Self.ending(of: server))
    }

    var works: Bool { FirewallSocket.exchange(client, server) == .fine }

    private static func ending(of socket: FirewallSocket) -> FirewallSocket.Ending {
        let sent = socket.send()
        return sent == .fine ? socket.receive() : sent
    }
}
