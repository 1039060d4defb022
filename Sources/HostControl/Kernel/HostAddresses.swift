import SystemCalls
import Topology

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The addresses of this host's interfaces at this moment.
enum HostAddresses {
    static func current() throws(FirewallError) -> [IPAddress] {
        var first: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&first) == 0 else {
            throw .unreadable(source: "getifaddrs", detail: systemReason())
        }
        defer { freeifaddrs(first) }
        var found: [IPAddress] = []
        var entry = first
        while let interface = entry {
            entry = interface.pointee.ifa_next
            guard let name = interface.pointee.ifa_addr else { continue }
            switch Int32(name.pointee.sa_family) {
            case AF_INET:
                found += address(in: name, as: sockaddr_in.self) { $0.sin_addr }
            case AF_INET6:
                found += address(in: name, as: sockaddr_in6.self) { $0.sin6_addr }
            default: continue
            }
        }
        return found
    }

    private static func address<Name, Address>(
        in name: UnsafeMutablePointer<sockaddr>,
        as type: Name.Type,
        _ part: (Name) -> Address
    ) -> [IPAddress] {
        let address = part(UnsafeRawPointer(name).loadUnaligned(as: type))
        return [withUnsafeBytes(of: address) { IPAddress(bytes: Array($0)) }].compactMap { $0 }
    }
}
