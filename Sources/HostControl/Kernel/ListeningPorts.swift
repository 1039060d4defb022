import Glibc
import SystemCalls
package import Topology

/// The TCP ports on which one process listens.
package enum ListeningPorts {
    /// Nil when it cannot be known: no such process, or the kernel does not let us look.
    ///
    /// Blocks for as long as it takes to look at every descriptor of the process, a few milliseconds for thousands.
    package static func of(pid: Int32) -> Set<Port>? {
        // The process's listeners first: one that it opens meanwhile is then missing from both.
        guard let listeners = listeners(of: pid),
            let sockets = sockets(of: pid, among: Set(listeners.map(\.inode)))
        else { return nil }
        return Set(listeners.filter { sockets.contains($0.inode) }.map(\.port))
    }

    /// Of the whole network namespace of the process.
    private static func listeners(of pid: Int32) -> [ListeningSocket]? {
        if namespace("self") == namespace("\(pid)"), let found = SocketDiagnosis.listening() { return found }
        return listeners(in: "/proc/\(pid)/net")
    }

    /// From the kernel's tables as text.
    static func listeners(in directory: String) -> [ListeningSocket]? {
        TCPTable.read(in: directory)?.compactMap { socket in
            guard socket.state == .listening, let port = Port(socket.local.port), let inode = socket.inode
            else { return nil }
            return ListeningSocket(port: port, inode: inode)
        }
    }

    /// Those of the inodes that are sockets of the process.
    private static func sockets(of pid: Int32, among inodes: Set<UInt64>) -> Set<UInt64>? {
        let directory = open("/proc/\(pid)/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { return nil }
        guard let stream = fdopendir(directory) else {
            close(directory)
            return nil
        }
        defer { closedir(stream) }
        var found: Set<UInt64> = []
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { link in
            guard let text = link.baseAddress else { return nil }
            while found.count < inodes.count, let entry = readdir(stream) {
                let count = withUnsafePointer(to: &entry.pointee.d_name) { name in
                    readlinkat(
                        directory,
                        UnsafeRawPointer(name).assumingMemoryBound(to: CChar.self),
                        text,
                        64
                    )
                }
                guard count > 0, let inode = socket(UnsafeRawBufferPointer(start: text, count: count)) else {
                    continue
                }
                if inodes.contains(inode) { found.insert(inode) }
            }
            return found
        }
    }

    private static let prefix = Array("socket:[".utf8)

    /// The number in `socket:[NUMBER]`.
    private static func socket(_ link: UnsafeRawBufferPointer) -> UInt64? {
        guard link.count > prefix.count + 1, link.prefix(prefix.count).elementsEqual(prefix) else {
            return nil
        }
        var inode: UInt64 = 0
        for byte in link[prefix.count..<link.count - 1] {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
            inode = inode &* 10 &+ UInt64(byte - UInt8(ascii: "0"))
        }
        return inode
    }

    private static func namespace(_ process: String) -> FileIdentity? {
        var found = stat()
        guard stat("/proc/\(process)/ns/net", &found) == 0 else { return nil }
        return FileIdentity(found)
    }
}

/// A socket that waits for connections.
struct ListeningSocket: Hashable {
    let port: Port
    let inode: UInt64
}
