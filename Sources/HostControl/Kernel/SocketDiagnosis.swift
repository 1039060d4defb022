import Glibc
import Topology

/// The kernel's TCP sockets of both families, in one pass over its table.
///
/// `/proc/net/tcp` tells the same, but takes a walk over every bucket of the table for each family, 4 ms each on
/// a machine with a large table; this takes a tenth of a millisecond or three.
enum SocketDiagnosis {
    struct Entry: Hashable {
        let local: (address: IPAddress, port: Port)
        let remote: (address: IPAddress, port: Port)

        static func == (left: Entry, right: Entry) -> Bool {
            left.local == right.local && left.remote == right.remote
        }

        func hash(into hasher: inout Hasher) {
            hasher.combine(local.address)
            hasher.combine(local.port)
            hasher.combine(remote.address)
            hasher.combine(remote.port)
        }
    }

    // `linux/sock_diag.h`, `linux/inet_diag.h`, `net/tcp_states.h`: NETLINK_SOCK_DIAG, TCPDIAG_GETSOCK,
    // SOCK_DESTROY, TCP_ESTABLISHED, TCP_CLOSE_WAIT, TCP_LISTEN.
    private static let family: Int32 = 4
    private static let question: UInt16 = 18
    private static let ending: UInt16 = 21
    private static let isEstablished: UInt32 = 1 << 1
    /// CLOSE_WAIT: the other end says nothing more, and may still be told something.
    private static let isLeftOpen: UInt32 = 1 << 8
    private static let isListening: UInt32 = 1 << 10

    /// Connections; nil when this kernel was built without it, or something does not let us ask.
    static func established() -> [Entry]? { ask(isEstablished)?.compactMap { entry($0.payload) } }

    /// Sockets that wait for connections; nil as above.
    static func listening() -> [ListeningSocket]? { ask(isListening)?.compactMap { listener($0.payload) } }

    /// Ends these connections: the other end is sent a reset, and nothing more of what was sent before.
    ///
    /// - Returns: how many there are afterwards; nil as above.
    static func end(_ cut: CutConnections) -> Int? {
        guard var socket = NetlinkSocket(family), let found = orders(cut, over: &socket) else { return nil }
        // A kernel that cannot do it leaves it there, and that is what counts.
        for order in found { _ = socket.ask(type: ending, flags: Netlink.order, body: order) }
        return found.isEmpty ? 0 : orders(cut, over: &socket)?.count
    }

    /// As `struct inet_diag_req_v2` wants them: family, protocol, extensions, padding, states, and what names the socket.
    private static func orders(_ cut: CutConnections, over socket: inout NetlinkSocket) -> [[UInt8]]? {
        ask(isEstablished | isLeftOpen, over: &socket)?.compactMap { message -> [UInt8]? in
            let payload = message.payload
            guard payload.count >= 52, let connection = entry(payload), cut.contains(connection) else {
                return nil
            }
            return [payload[0], UInt8(IPPROTO_TCP), 0, 0] + Netlink.bytes(of: UInt32.max) + payload[4..<52]
        }
    }

    private static func ask(_ states: UInt32) -> [Netlink.Message]? {
        guard var socket = NetlinkSocket(family) else { return nil }
        return ask(states, over: &socket)
    }

    private static func ask(_ states: UInt32, over socket: inout NetlinkSocket) -> [Netlink.Message]? {
        // Family, lengths, extensions and the pattern stay zero: any socket.
        let body = [UInt8](repeating: 0, count: 52) + Netlink.bytes(of: states) + Netlink.bytes(of: UInt32(0))
        return socket.ask(type: question, flags: Netlink.dump, body: body)
    }

    /// The inode is the last number of a `struct inet_diag_msg`.
    private static func listener(_ payload: [UInt8]) -> ListeningSocket? {
        guard payload.count >= 72, let port = port(payload[4..<6]) else { return nil }
        return ListeningSocket(
            port: port,
            inode: UInt64(Netlink.number(payload[...], at: 68, as: UInt32.self))
        )
    }

    /// A `struct inet_diag_msg`: family, state, timer, retransmissions, then ports and addresses as on the wire.
    private static func entry(_ payload: [UInt8]) -> Entry? {
        guard payload.count >= 40, let length = [UInt8(AF_INET): 4, UInt8(AF_INET6): 16][payload[0]],
            let local = IPAddress(wire: payload[8..<8 + length]),
            let remote = IPAddress(wire: payload[24..<24 + length]),
            let localPort = port(payload[4..<6]), let remotePort = port(payload[6..<8])
        else { return nil }
        return Entry(local: (local, localPort), remote: (remote, remotePort))
    }

    private static func port(_ bytes: ArraySlice<UInt8>) -> Port? {
        Port(bytes.reduce(0) { $0 << 8 | Int($1) })
    }
}

extension IPAddress {
    private static let mapped = [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF]

    /// An IPv4 address that an IPv6 socket talks to is an IPv4 address.
    init?(wire bytes: ArraySlice<UInt8>) {
        let isMapped = bytes.count == 16 && Array(bytes.prefix(12)) == Self.mapped
        self.init(bytes: Array(isMapped ? bytes.suffix(4) : bytes))
    }
}
