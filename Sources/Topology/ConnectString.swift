/// A client's list of servers with its optional chroot: `host:port,host:port/chroot`.
package struct ConnectString: Hashable, Sendable, CustomStringConvertible {
    package struct Server: Hashable, Sendable, CustomStringConvertible {
        /// A name or an address; IPv6 without brackets.
        package let host: String
        package let port: Port

        package init(host: String, port: Port) {
            self.host = host
            self.port = port
        }

        package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
    }

    package let servers: [Server]
    /// With its leading slash; empty when there is none.
    package let chroot: String

    /// Nil when a client would refuse the text: no server, a bad port, a malformed chroot.
    package init?(_ text: String) {
        let slash = text.firstIndex(of: "/") ?? text.endIndex
        let path = String(text[slash...])
        let chroot = path == "/" ? "" : path
        guard chroot.isEmpty || Self.isPath(chroot) else { return nil }
        var servers: [Server] = []
        for part in text[..<slash].split(separator: ",") {
            guard let server = Self.server(part.trimmingBlanks()) else { return nil }
            servers.append(server)
        }
        self.init(servers: servers, chroot: chroot)
    }

    /// Nil without servers.
    private init?(servers: [Server], chroot: String) {
        guard !servers.isEmpty else { return nil }
        self.servers = servers
        self.chroot = chroot
    }

    /// Whether a restart of one server leaves the client without another (trap 12).
    package var isSingleServer: Bool { Set(servers).count == 1 }

    package var description: String { servers.map(\.description).joined(separator: ",") + chroot }

    /// The same chroot at other servers; nil without servers.
    package func replacingServers(_ servers: [Server]) -> ConnectString? {
        ConnectString(servers: servers, chroot: chroot)
    }

    private static func server(_ text: String) -> Server? {
        var host = text[...]
        var port: Substring?
        if text.hasPrefix("[") {
            guard let close = text.firstIndex(of: "]") else { return nil }
            host = text[text.index(after: text.startIndex)..<close]
            guard IPAddress(String(host))?.family == .ipv6 else { return nil }
            let rest = text[text.index(after: close)...]
            guard rest.isEmpty || rest.hasPrefix(":") else { return nil }
            port = rest.isEmpty ? nil : rest.dropFirst()
        } else if let colon = text.lastIndex(of: ":") {
            host = text[..<colon]
            port = text[text.index(after: colon)...]
            guard !host.contains(":") else { return nil }
        }
        let number = port.map { Int($0) } ?? 2181
        guard !host.isEmpty, !host.contains(where: \.isWhitespace), let number, let port = Port(number)
        else { return nil }
        return Server(host: String(host), port: port)
    }

    private static func isPath(_ path: String) -> Bool {
        path.split(separator: "/", omittingEmptySubsequences: false).dropFirst().allSatisfy {
            !$0.isEmpty && $0 != "." && $0 != ".." && !$0.contains("\0")
        }
    }
}
