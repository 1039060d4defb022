/// One `server.N=` line of an ensemble.
package struct Member: Hashable, Sendable, Codable {
    package enum Role: String, Sendable, Hashable, Codable {
        case participant
        case observer
    }

    package let id: ServerID
    /// The address or name, as the configuration file writes it.
    package let address: String
    package let quorumPort: Port
    package let electionPort: Port
    package let role: Role

    package init(
        id: ServerID,
        address: String,
        quorumPort: Port,
        electionPort: Port,
        role: Role = .participant
    ) {
        self.id = id
        self.address = address
        self.quorumPort = quorumPort
        self.electionPort = electionPort
        self.role = role
    }
}
