import AgentClient
package import ControlProtocol

/// Agents as keepers of a run's chain.
package protocol ChainAgents: Sendable {
    /// Has a host keep entries; nil from an agent that keeps no chains.
    func extend(_ request: ChainRequest, on host: HostName) async throws(FleetError) -> ChainState?
    /// What a host keeps, from an entry on; nil from an agent that keeps no chains.
    func chain(_ request: ChainReadRequest, on host: HostName) async throws(FleetError) -> ChainPage?
    /// A file as it was before this run first wrote to it.
    func original(of path: String, run: RunID, on host: HostName) async throws(FleetError) -> FileContent
}

extension AgentFleet: ChainAgents {
    package func extend(_ request: ChainRequest, on host: HostName) async throws(FleetError) -> ChainState? {
        try await call(host) { client throws(AgentClientError) in try await client.extend(request) }
    }

    package func chain(_ request: ChainReadRequest, on host: HostName) async throws(FleetError) -> ChainPage?
    {
        try await call(host) { client throws(AgentClientError) in try await client.chain(request) }
    }

    package func original(of path: String, run: RunID, on host: HostName) async throws(FleetError)
        -> FileContent
    {
        try await call(host) { client throws(AgentClientError) in
            try await client.read(FileReadRequest(path: path, original: run))
        }
    }
}
