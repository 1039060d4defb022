#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Addresses as the system knows them: 4 or 16 bytes each, in network order.
package enum NetworkAddresses {
    /// Of this host's interfaces, at this moment.
    package static func ofInterfaces() throws(SystemCallError) -> [[UInt8]] {
        var first: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&first) == 0 else { throw .last("getifaddrs") }
        defer { freeifaddrs(first) }
        var found: [[UInt8]] = []
        var entry = first
        while let interface = entry {
            entry = interface.pointee.ifa_next
            guard let name = interface.pointee.ifa_addr else { continue }
            if let address = bytes(of: name) { found.append(address) }
        }
        return found
    }

    /// Of a host's name, in the resolver's order; none when it is not known here.
    ///
    /// Blocks for as long as a name server has patience.
    package static func named(_ name: String) -> [[UInt8]] {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(name, nil, &hints, &list) == 0, let list else { return [] }
        defer { freeaddrinfo(list) }
        var found: [[UInt8]] = []
        var entry: UnsafeMutablePointer<addrinfo>? = list
        while let current = entry {
            entry = current.pointee.ai_next
            guard let name = current.pointee.ai_addr, let address = bytes(of: name) else { continue }
            found.append(address)
        }
        return found
    }

    /// Nil for an address of another family.
    private static func bytes(of name: UnsafeMutablePointer<sockaddr>) -> [UInt8]? {
        switch Int32(name.pointee.sa_family) {
        case AF_INET: part(of: name, as: sockaddr_in.self) { $0.sin_addr }
        case AF_INET6: part(of: name, as: sockaddr_in6.self) { $0.sin6_addr }
        case _: nil
        }
    }

    private static func part<Name, Address>(
        of name: UnsafeMutablePointer<sockaddr>,
        as type: Name.Type,
        _ part: (Name) -> Address
    ) -> [UInt8] {
        let address = part(UnsafeRawPointer(name).loadUnaligned(as: type))
        return withUnsafeBytes(of: address) { Array($0) }
    }
}
