import AgentClient
package import ControlProtocol
package import FoundationEssentials
package import Logging
package import MutualTLS
import NIOCore
import NIOPosix
package import Settings
package import Topology

/// One agent client per host of an inventory, all with the same certificate.
package struct AgentFleet: Fleet {
    /// What an agent takes in one request.
    private static let mostProbes = 256

    private let clients: [HostName: AgentClient]
    private let tls: ReloadingTLSContext

    /// - Parameters:
    ///   - viewer: whose certificate is used instead of the coordinator's; agents answer its reads alone.
    ///   - warn: told of certificates that changed on disk and cannot be used; the earlier ones stay in use.
    package init(
        plan: MigrationPlan,
        viewer: PeerName? = nil,
        log: Logger,
        warn: @escaping @Sendable (String) -> Void
    ) throws {
        try self.init(
            inventory: plan.inventory,
            viewer: viewer,
            withoutRevocationList: plan.isWaived(.revocationList),
            log: log,
            warn: warn
        )
    }

    /// - Parameters:
    ///   - viewer: whose certificate is used instead of the coordinator's.
    ///   - withoutRevocationList: whether to begin although the authority's directory has none.
    ///   - warn: told of certificates that changed on disk and cannot be used; the earlier ones stay in use.
    package init(
        inventory: Inventory,
        viewer: PeerName? = nil,
        withoutRevocationList: Bool = false,
        log: Logger,
        warn: @escaping @Sendable (String) -> Void
    ) throws {
        let tls = try CoordinatorCredentials.context(
            of: inventory,
            viewer: viewer,
            withoutRevocationList: withoutRevocationList,
            warn: warn
        )
        var clients: [HostName: AgentClient] = [:]
        for agent in inventory.agents {
            guard let peer = PeerName(agent.host.description) else {
                throw FleetNameError.host(file: inventory.file, line: agent.line, host: agent.host)
            }
            clients[agent.host] = AgentClient(
                host: agent.host,
                identity: .agent(peer),
                address: agent.address,
                port: agent.port,
                tls: tls,
                group: MultiThreadedEventLoopGroup.singleton,
                log: log
            )
        }
        self.clients = clients
        self.tls = tls
    }

    package func ownCredentials() async -> CredentialExpiry? {
        let context = await tls.current()
        return CoordinatorCredentials.expiry(context, tls.failures)
    }

    package func observe(_ hosts: [HostName]) async -> [HostName: Observation] {
        await observe(hosts) { client throws(AgentClientError) in try await client.status() }
    }

    package func observeServing(_ hosts: [HostName]) async -> [HostName: Observation] {
        await observe(hosts) { client throws(AgentClientError) in try await client.servingStatus() }
    }

    private func observe(
        _ hosts: [HostName],
        _ ask: @escaping @Sendable (AgentClient) async throws(AgentClientError) -> HostStatus
    ) async -> [HostName: Observation] {
        let answers = await mapHosts(hosts) { host in await observe(host, ask) }
        return Dictionary(zip(hosts, answers)) { first, _ in first }
    }

    private func observe(
        _ host: HostName,
        _ ask: @Sendable (AgentClient) async throws(AgentClientError) -> HostStatus
    ) async -> Observation {
        do throws(FleetError) {
            return .status(
                try await call(host) { client throws(AgentClientError) in try await ask(client) }
            )
        } catch {
            return .silent(reason: "\(error)")
        }
    }

    package func probe(_ targets: [ProbeTarget], from host: HostName) async throws(FleetError)
        -> [ProbeResult]
    {
        var results: [ProbeResult] = []
        for start in stride(from: 0, to: targets.count, by: Self.mostProbes) {
            let part = Array(targets[start..<min(targets.count, start + Self.mostProbes)])
            results += try await call(host) { client throws(AgentClientError) in
                try await client.probe(ProbeRequest(targets: part))
            }.results
        }
        return results
    }

    package func read(_ path: String, on host: HostName) async throws(FleetError) -> FileContent {
        try await call(host) { client throws(AgentClientError) in
            try await client.read(FileReadRequest(path: path))
        }
    }

    package func history(of zxids: [Zxid], on host: HostName) async throws(FleetError) -> [Zxid: Presence] {
        let reply = try await call(host) { client throws(AgentClientError) in
            try await client.history(HistoryRequest(zxids: zxids))
        }
        return Dictionary(reply.results.map { ($0.zxid, $0.presence) }) { first, _ in first }
    }

    package func preview(_ wall: Wall, on host: HostName) async throws(FleetError) -> RulesPreview {
        try await call(host) { client throws(AgentClientError) in
            try await client.preview(RulesPreviewRequest(wall: wall))
        }
    }

    package func parse(_ contents: [Data], on host: HostName) async throws(FleetError) -> ParserReply {
        try await call(host) { client throws(AgentClientError) in
            try await client.parse(ParserRequest(contents: contents))
        }
    }

    package func clients(_ request: ClientsRequest, on host: HostName) async throws(FleetError)
        -> ClientsReport?
    {
        try await call(host) { client throws(AgentClientError) in try await client.clients(request) }
    }

    package func writes(_ request: WritesRequest, on host: HostName) async throws(FleetError)
        -> WritesReport?
    {
        try await call(host) { client throws(AgentClientError) in try await client.writes(request) }
    }

    package func handMade(_ request: HandMadeRequest, on host: HostName) async throws(FleetError)
        -> HandMadeReport
    {
        try await call(host) { client throws(AgentClientError) in try await client.handMade(request) }
    }

    package func acquire(_ request: LeaseRequest, on host: HostName) async throws(FleetError) -> LeaseState {
        try await call(host) { client throws(AgentClientError) in try await client.acquire(request) }
    }

    package func release(_ lease: Lease, on host: HostName) async throws(FleetError) {
        _ = try await call(host) { client throws(AgentClientError) in try await client.release(lease) }
    }

    package func perform(
        _ request: CommandRequest,
        on host: HostName,
        progress: @escaping @Sendable (CommandEvent) -> Void
    ) async throws(FleetError) -> CommandResult {
        let outcome = try await call(host) { client throws(AgentClientError) in
            try await client.perform(request, progress: progress)
        }
        return try outcome.result(of: host)
    }

    package func hangUp(_ host: HostName) async { clients[host]?.hangUp() }

    func call<Value>(
        _ host: HostName,
        _ body: (AgentClient) async throws(AgentClientError) -> Value
    ) async throws(FleetError) -> Value {
        guard let client = clients[host] else {
            throw .broken(host: host, reason: "not a host of this inventory")
        }
        do throws(AgentClientError) {
            return try await body(client)
        } catch {
            throw FleetError(error)
        }
    }
}
