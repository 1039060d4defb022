package import Topology

/// `POST /v1/read/clients`: who is connected to this host's ZooKeeper.
///
/// Coordinators only.
package struct ClientsRequest: Hashable, Sendable, Codable {
    /// Whether the server itself shall be asked, with `cons`, which session is at which address.
    package let sessions: Bool

    package init(sessions: Bool = true) { self.sessions = sessions }
}

/// Who is connected to a host's ZooKeeper: by the kernel, and by the server's own word where that is allowed.
package struct ClientsReport: Hashable, Sendable, Codable {
    /// Pairs of an address and a port of the server's; what is beyond is left out and said.
    package static let mostConnections = 20_000
    /// What is beyond is left out and said.
    package static let mostSessions = 50_000

    /// Established connections of one address with one port of the server's.
    package struct Connections: Hashable, Sendable, Codable {
        package let address: IPAddress
        /// The server's, for clients.
        package let port: Port
        package let count: Int

        package init(address: IPAddress, port: Port, count: Int) {
            self.address = address
            self.port = port
            self.count = count
        }
    }

    /// A session that the server has a connection of.
    package struct Session: Hashable, Sendable, Codable {
        package let id: SessionNumber
        package let address: IPAddress
        /// As it was negotiated, milliseconds; nil when the server does not tell, and from agents of earlier versions.
        package let timeout: Int?

        package init(id: SessionNumber, address: IPAddress, timeout: Int? = nil) {
            self.id = id
            self.address = address
            self.timeout = timeout
        }
    }

    /// On which the server waits for clients, plain and secure; none when it does not run.
    package let ports: [Port]
    /// In order; nil when they are not known.
    package let connections: [Connections]?
    /// Why they are not known.
    package let obstacle: String?
    /// Whether there are more than are told.
    package let truncated: Bool
    /// In order; nil when the server does not tell, or was not asked.
    package let sessions: [Session]?
    /// Whether these are all sessions that are connected to the server.
    package let sessionsAreWhole: Bool
    /// Why they are not known, or not all.
    package let sessionsObstacle: String?

    package init(
        ports: [Port],
        connections: [Connections]?,
        obstacle: String? = nil,
        sessions: [Session]? = nil,
        sessionsAreWhole: Bool = false,
        sessionsObstacle: String? = nil
    ) {
        self.ports = ports
        self.connections = connections.map { Array($0.prefix(Self.mostConnections)) }
        self.obstacle = obstacle
        truncated = (connections?.count ?? 0) > Self.mostConnections
        self.sessions = sessions.map { Array($0.prefix(Self.mostSessions)) }
        let isCut = (sessions?.count ?? 0) > Self.mostSessions
        self.sessionsAreWhole = sessions != nil && sessionsAreWhole && !isCut
        self.sessionsObstacle =
            sessionsObstacle ?? (isCut ? "it has more than \(Self.mostSessions) sessions" : nil)
    }

    /// Of a server that does not run: nobody is connected to it.
    package static let stopped = ClientsReport(
        ports: [],
        connections: [],
        sessions: [],
        sessionsAreWhole: true
    )
}
