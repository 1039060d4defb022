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

    /// The name that the resolver has for an address of 4 or 16 bytes; nil without one, or when it is none of a host's.
    ///
    /// Blocks for as long as a name server has patience.
    package static func name(of address: [UInt8]) -> String? {
        var storage = sockaddr_storage()
        let size: Int
        switch address.count {
        case 4:
            size = MemoryLayout<sockaddr_in>.size
            put(
                address,
                into: &storage,
                family: AF_INET,
                at: MemoryLayout<sockaddr_in>.offset(of: \.sin_addr)
            )
        case 16:
            size = MemoryLayout<sockaddr_in6>.size
            put(
                address,
                into: &storage,
                family: AF_INET6,
                at: MemoryLayout<sockaddr_in6>.offset(of: \.sin6_addr)
            )
        default: return nil
        }
        var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        let code = withUnsafePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                getnameinfo($0, socklen_t(size), &text, socklen_t(text.count), nil, 0, NI_NAMEREQD)
            }
        }
        guard code == 0 else { return nil }
        let name = String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        let isHost = name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
                UInt8(ascii: "_"):
                true
            default: false
            }
        }
        // Whoever answers for an address may answer anything.
        return isHost && (1...253).contains(name.utf8.count) ? name : nil
    }

    private static func put(
        _ address: [UInt8],
        into storage: inout sockaddr_storage,
        family: Int32,
        at offset: Int?
    ) {
        storage.ss_family = sa_family_t(family)
        guard let offset else { return }
        withUnsafeMutableBytes(of: &storage) { $0[offset...].copyBytes(from: address) }
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
