import Glibc

/// TCP ports of 127.0.0.1 that nobody has now, each another.
package enum FreePorts {
    package struct Failure: Error {
        package let call: String
        package let code: Int32
    }

    /// All are open at once until all are known; nothing else on this machine hands one out before long.
    package static func take(_ count: Int) throws(Failure) -> [Int] {
        var open: [Int32] = []
        defer { for descriptor in open { close(descriptor) } }
        var ports: [Int] = []
        for _ in 0..<count {
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            guard descriptor >= 0 else { throw Failure(call: "socket", code: errno) }
            open.append(descriptor)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            var size = socklen_t(MemoryLayout<sockaddr_in>.size)
            let isBound = withUnsafeMutablePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(descriptor, $0, size) == 0 && getsockname(descriptor, $0, &size) == 0
                }
            }
            guard isBound else { throw Failure(call: "bind", code: errno) }
            ports.append(Int(UInt16(bigEndian: address.sin_port)))
        }
        return ports
    }
}
