/// Where a server listens for clients in plain text.
package struct ClientEndpoint: Hashable, Sendable {
    /// Nil for every address of the host.
    package let address: String?
    package let port: Port
    /// Where it is said.
    package let line: Int
}

extension ZooConfiguration {
    /// As server `id` will listen with this file: its own line's suffix counts, and `clientPort` where there is none.
    ///
    /// Nil when it opens no plain port.
    package func clientEndpoint(of id: ServerID?) -> ClientEndpoint? {
        if let own = serverLine(of: id), let port = own.entry.clientPort {
            return ClientEndpoint(
                address: Self.named(own.entry.clientAddress),
                port: port,
                line: text.elements[own.element].line
            )
        }
        guard let clientPort, let line = line(of: "clientPort") else { return nil }
        return ClientEndpoint(address: Self.named(clientPortAddress), port: clientPort, line: line)
    }

    private static let nettyFactory = "org.apache.zookeeper.server.NettyServerCnxnFactory"
    /// What the JVM's command line can say in place of the file, which counts where it says something.
    package static let connectionFactoryProperty = "zookeeper.serverCnxnFactory"

    func ports(of id: ServerID, _ told: [String: String]) -> [StartFault] {
        var faults: [StartFault] = []
        for (port, key) in [
            ("clientPort", "clientPortAddress"), ("secureClientPort", "secureClientPortAddress"),
        ] {
            let number = self[port].flatMap { Int($0) } ?? 0
            guard let line = line(of: key), number == 0 else { continue }
            faults.append(
                StartFault(
                    line: line,
                    reason: "\(key) is set, \(port) is not. Set it, or remove the address."
                )
            )
        }
        if let line = line(of: "secureClientPort"), secureClientPort != nil,
            self["serverCnxnFactory"] ?? told[Self.connectionFactoryProperty] != Self.nettyFactory
        {
            faults.append(
                StartFault(
                    line: line,
                    reason:
                        "secureClientPort needs serverCnxnFactory=\(Self.nettyFactory). Add it to this file."
                )
            )
        }
        guard let own = serverLine(of: id)?.entry, let endpoint = clientEndpoint(of: id) else {
            return faults
        }
        if let port = own.clientPort, let clientPort, let line = line(of: "clientPort") {
            let address = Self.named(clientPortAddress)
            let agree =
                address == nil
                ? clientPort == port
                : clientPort == port
                    && Self.canonical(address) == Self.canonical(Self.named(own.clientAddress))
            if !agree {
                faults.append(
                    StartFault(
                        line: line,
                        reason:
                            "clientPort and the end of server.\(id)'s line (line \(endpoint.line)) name two places for "
                            + "clients. Keep one of them."
                    )
                )
            }
        }
        let others = [("quorum", own.member.quorumPort), ("election", own.member.electionPort)]
        for (name, port) in others where port == endpoint.port {
            faults.append(
                StartFault(
                    line: endpoint.line,
                    reason: "clients and the \(name) have one port, \(port.number). Give each its own."
                )
            )
        }
        if secureClientPort == endpoint.port {
            faults.append(
                StartFault(
                    line: endpoint.line,
                    reason: "the plain and the secure client port are one. Give each its own."
                )
            )
        }
        return faults
    }

    private static func named(_ address: String?) -> String? {
        guard let address, !address.isEmpty else { return nil }
        return IPAddress(address)?.bytes.allSatisfy { $0 == 0 } ?? false ? nil : address
    }

    private static func canonical(_ address: String?) -> String? {
        address.map { IPAddress($0)?.description ?? $0.lowercased() }
    }
}
