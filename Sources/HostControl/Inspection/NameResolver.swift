import SystemCalls
import Topology

/// Where this host reaches its own server, by what stands in the server's file.
struct NameResolver: Sendable {
    /// Looks a name up, which may take as long as a name server has patience; nil when it is not known here.
    private let lookUp: @Sendable (String) -> IPAddress?

    init(lookUp: @escaping @Sendable (String) -> IPAddress?) { self.lookUp = lookUp }

    static let system = NameResolver {
        NetworkAddresses.named($0).lazy.compactMap { IPAddress(bytes: $0) }.first
    }

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
}
