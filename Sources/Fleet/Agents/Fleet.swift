package import ControlProtocol
package import FoundationEssentials
package import Topology

/// All that the procedure can do to hosts, through their agents.
///
/// The coordinator's is made of agent connections; the tests' is a model of an ensemble.
package protocol Fleet: Sendable {
    /// Asks every host at once; a host that does not answer is a value in the view, not an error.
    func observe(_ hosts: [HostName]) async -> [HostName: Observation]
    /// The same, but each host answers when its server serves or does not run, after a second at the latest.
    func observeServing(_ hosts: [HostName]) async -> [HostName: Observation]
    func probe(_ targets: [ProbeTarget], from host: HostName) async throws(FleetError) -> [ProbeResult]
    func read(_ path: String, on host: HostName) async throws(FleetError) -> FileContent
    /// What the log and the snapshots of a host's server hold of these transactions.
    func history(of zxids: [Zxid], on host: HostName) async throws(FleetError) -> [Zxid: Presence]
    /// When the certificates end by which this program knows agents and is known to them.
    func ownCredentials() async -> CredentialExpiry?
    func preview(_ wall: Wall, on host: HostName) async throws(FleetError) -> RulesPreview
    /// What the parser of a host's own ZooKeeper makes of configuration files.
    func parse(_ contents: [Data], on host: HostName) async throws(FleetError) -> ParserReply
    /// Who is connected to a host's ZooKeeper; nil when its agent is too old to tell.
    func clients(_ request: ClientsRequest, on host: HostName) async throws(FleetError) -> ClientsReport?
    /// What a host's ZooKeeper has logged of writes into some trees; nil when its agent is too old to tell.
    func writes(_ request: WritesRequest, on host: HostName) async throws(FleetError) -> WritesReport?
    /// Rules of somebody's hand on a host.
    func handMade(_ request: HandMadeRequest, on host: HostName) async throws(FleetError) -> HandMadeReport
    func acquire(_ request: LeaseRequest, on host: HostName) async throws(FleetError) -> LeaseState
    func release(_ lease: Lease, on host: HostName) async throws(FleetError)
    /// Sends a command and follows it to its end. Sending the same id again never acts twice.
    func perform(
        _ request: CommandRequest,
        on host: HostName,
        progress: @escaping @Sendable (CommandEvent) -> Void
    ) async throws(FleetError) -> CommandResult
    /// Closes what is kept open to a host that is not asked again soon; it may be asked again all the same.
    func hangUp(_ host: HostName) async
}

extension Fleet {
    /// For a fleet whose servers keep no logs.
    package func writes(_ request: WritesRequest, on host: HostName) async throws(FleetError)
        -> WritesReport?
    {
        nil
    }

    /// For a fleet without connections.
    package func hangUp(_ host: HostName) async {}
}
