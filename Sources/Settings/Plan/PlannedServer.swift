package import ControlProtocol
package import Topology

/// One server of either ensemble, as the plan file describes it.
package struct PlannedServer: Hashable, Sendable {
    package let id: ServerID
    /// Its agent's certificate carries this name.
    package let host: HostName
    /// The address or name in every server line.
    package let address: String
    /// Every address that peers may see it under: `address` if it is one, and the further ones.
    ///
    /// Never empty.
    package let allAddresses: [IPAddress]
    package let agentAddress: String
    package let agentPort: Port
    package let clientPort: Port
    package let quorumPort: Port
    package let electionPort: Port
    package let service: String
    package let configPath: String
    /// Where it stands in the plan file.
    package let line: Int

    package var agent: PlannedAgent {
        PlannedAgent(host: host, address: agentAddress, port: agentPort, line: line)
    }

    package var member: Member { member(as: .participant) }

    package func member(as role: Member.Role) -> Member {
        Member(id: id, address: address, quorumPort: quorumPort, electionPort: electionPort, role: role)
    }
}

extension Collection where Element == PlannedServer {
    /// Their hosts, as plans and reasons name them.
    package var names: String {
        isEmpty ? "none" : map(\.host.description).joined(separator: ", ")
    }
}
