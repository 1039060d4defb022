import Glibc

/// One line of the kernel's TCP table.
package struct TCPSocket: Hashable, Sendable {
    package struct End: Hashable, Sendable {
        /// As on the wire: 4 bytes or 16.
        package let address: [UInt8]
        package let port: Int
    }

    /// Those of `net/tcp_states.h` that anybody asks for.
    package enum State: Hashable, Sendable {
        case established
        case listening
        case other
    }

    package let local: End
    package let remote: End
    package let state: State
    /// Nil when the line does not tell it.
    package let inode: UInt64?
}

/// The kernel's TCP sockets of one network namespace, both families, as `/proc` tells them in text.
package enum TCPTable {
    /// Nil when it cannot be read; only the table of IPv6 may be absent, on a kernel without it.
    ///
    /// - Parameter directory: `/proc/PID/net`.
    package static func read(in directory: String) -> [TCPSocket]? {
        do throws(SystemCallError) {
            let first = try KernelText.content(of: directory + "/tcp")
            return parse(first) + parse(try sixth(directory + "/tcp6"))
        } catch {
            return nil
        }
    }

    private static func sixth(_ path: String) throws(SystemCallError) -> String {
        do throws(SystemCallError) {
            return try KernelText.content(of: path)
        } catch {
            guard error.code == ENOENT else { throw error }
            return ""
        }
    }

    package static func parse(_ table: String) -> [TCPSocket] {
        table.split(separator: "\n").dropFirst().compactMap { line in
            let fields = line.split(separator: " ")
            guard fields.count > 3, let local = end(fields[1]), let remote = end(fields[2]) else {
                return nil
            }
            return TCPSocket(
                local: local,
                remote: remote,
                state: state(fields[3]),
                inode: fields.count > 9 ? UInt64(fields[9]) : nil
            )
        }
    }

    private static func state(_ text: Substring) -> TCPSocket.State {
        switch text {
        case "01": .established
        case "0A": .listening
        default: .other
        }
    }

    /// `0100007F:1F90`: words of 32 bits in the machine's byte order.
    private static func end(_ text: Substring) -> TCPSocket.End? {
        let parts = text.split(separator: ":")
        guard parts.count == 2, let port = Int(parts[1], radix: 16) else { return nil }
        var bytes: [UInt8] = []
        var rest = parts[0]
        while rest.count >= 8 {
            guard let word = UInt32(rest.prefix(8), radix: 16) else { return nil }
            withUnsafeBytes(of: word) { bytes += Array($0) }
            rest = rest.dropFirst(8)
        }
        return TCPSocket.End(address: bytes, port: port)
    }
}
