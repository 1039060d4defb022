import Glibc
import SystemCalls
import Topology

/// Where this host reaches its own server, by what stands in the server's file.
struct NameResolver: Sendable {
    /// Looks a name up, which may take as long as a name server has patience; nil when it is not known here.
    private let lookUp: @Sendable (String) -> IPAddress?

    init(lookUp: @escaping @Sendable (String) -> IPAddress?) { self.lookUp = lookUp }

    static let system = NameResolver { systemAddress(of: $0) }

    /// Any address is reached over the loopback one; a name is looked up on a thread of its own.
    func address(of text: String?) async -> IPAddress? {
        switch text {
        case nil, "", "0.0.0.0": return IPAddress("127.0.0.1")
        case "::": return IPAddress("::1")
        case let text?:
            if let address = IPAddress(text) { return address }
            let lookUp = lookUp
            return await BlockingThread.run { lookUp(text) }
        }
    }

    private static func systemAddress(of name: String) -> IPAddress? {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(name, nil, &hints, &list) == 0, let list else { return nil }
        defer { freeaddrinfo(list) }
        var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        let entry = list.pointee
        guard
            getnameinfo(
                entry.ai_addr,
                entry.ai_addrlen,
                &text,
                socklen_t(text.count),
                nil,
                0,
                NI_NUMERICHOST
            ) == 0
        else { return nil }
        return IPAddress(
            String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        )
    }
}
