package import Topology

/// A server whose replica is read, and the name under which it is told.
package struct ComparedServer: Hashable, Sendable, CustomStringConvertible {
    package let name: String
    package let server: ConnectString.Server

    package init(name: String, server: ConnectString.Server) {
        self.name = name
        self.server = server
    }

    package init(_ server: ConnectString.Server) { self.init(name: server.description, server: server) }

    package var description: String { name }
}

/// Replicas that must be alike: one side, or source and destination.
package struct ComparedSides: Hashable, Sendable {
    package let servers: [ComparedServer]
    /// The places of each side's servers.
    package let sides: [[Int]]

    package init(replicas: [ComparedServer]) {
        servers = replicas
        sides = [Array(replicas.indices)]
    }

    package init(source: [ComparedServer], destination: [ComparedServer]) {
        servers = source + destination
        sides = [Array(source.indices), destination.indices.map { $0 + source.count }]
    }
}
