package import ControlProtocol
package import Fleet
package import FoundationEssentials
import Synchronization
package import Topology

/// A fleet that knows which hosts its commands touch: what changes on any other is somebody else's doing.
package final class HandledHosts: Fleet {
    private struct Hands {
        var busy: [HostName: Int] = [:]
        /// Touched since they were last asked for.
        var touched: Set<HostName> = []
    }

    private let fleet: any Fleet
    private let hands = Mutex(Hands())

    package init(_ fleet: any Fleet) { self.fleet = fleet }

    /// Hosts that a command may have changed since the last call, or may be changing now.
    package func takeHandled() -> Set<HostName> {
        hands.withLock { hands in
            let handled = hands.touched.union(hands.busy.keys)
            hands.touched = []
            return handled
        }
    }

    package func perform(
        _ request: CommandRequest,
        on host: HostName,
        progress: @escaping @Sendable (CommandEvent) -> Void
    ) async throws(FleetError) -> CommandResult {
        hands.withLock { $0.busy[host, default: 0] += 1 }
        defer {
            hands.withLock { hands in
                hands.busy[host] = hands.busy[host].flatMap { $0 > 1 ? $0 - 1 : nil }
                hands.touched.insert(host)
            }
        }
        return try await fleet.perform(request, on: host, progress: progress)
    }

    package func observe(_ hosts: [HostName]) async -> [HostName: Observation] { await fleet.observe(hosts) }

    package func observeServing(_ hosts: [HostName]) async -> [HostName: Observation] {
        await fleet.observeServing(hosts)
    }

    package func probe(_ targets: [ProbeTarget], from host: HostName) async throws(FleetError)
        -> [ProbeResult]
    {
        try await fleet.probe(targets, from: host)
    }

    package func read(_ path: String, on host: HostName) async throws(FleetError) -> FileContent {
        try await fleet.read(path, on: host)
    }

    package func history(of zxids: [Zxid], on host: HostName) async throws(FleetError) -> [Zxid: Presence] {
        try await fleet.history(of: zxids, on: host)
    }

    package func ownCredentials() async -> CredentialExpiry? { await fleet.ownCredentials() }

    package func preview(_ wall: Wall, on host: HostName) async throws(FleetError) -> RulesPreview {
        try await fleet.preview(wall, on: host)
    }

    package func parse(_ contents: [Data], on host: HostName) async throws(FleetError) -> ParserReply {
        try await fleet.parse(contents, on: host)
    }

    package func clients(_ request: ClientsRequest, on host: HostName) async throws(FleetError)
        -> ClientsReport?
    {
        try await fleet.clients(request, on: host)
    }

    package func writes(_ request: WritesRequest, on host: HostName) async throws(FleetError) -> WritesReport?
    {
        try await fleet.writes(request, on: host)
    }

    package func handMade(_ request: HandMadeRequest, on host: HostName) async throws(FleetError)
        -> HandMadeReport
    {
        try await fleet.handMade(request, on: host)
    }

    package func acquire(_ request: LeaseRequest, on host: HostName) async throws(FleetError) -> LeaseState {
        try await fleet.acquire(request, on: host)
    }

    package func release(_ lease: Lease, on host: HostName) async throws(FleetError) {
        try await fleet.release(lease, on: host)
    }

    package func hangUp(_ host: HostName) async { await fleet.hangUp(host) }
}
