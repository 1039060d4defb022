import ControlProtocol
import Fleet
import FoundationEssentials
import KafkaMetadata
import Settings
import Synchronization
import Topology

/// Agents that grant leases and remove rules as real ones do, and note what they were asked.
final class AgentsDouble: Fleet {
    struct Agent {
        var epoch: UInt64 = 0
        var lease: Lease?
        var rules = 4
        var isSilent = false
        /// How often it is silent before it answers again.
        var silentLooks = 0
        /// Whom its wall cuts off; of rules that are no intact wall nobody is known.
        var walled: [IPAddress] = []
        var isWatched: Bool?
        /// When its lease lapses, by its clock of 0.
        var expiresAt: Int64?
        /// What it was told of the run.
        var place: RunPlace?
        /// Rules that stay whatever is removed.
        var staying = 0
        /// How often the answer to a command gets lost.
        var lostReplies = 0
        /// Rules of somebody's hand, and whether a file brings them back.
        var handMade = 0
        var isInFiles = false
        var isCutBySet = false
        /// What the host's file and process have; nil for its own side's view.
        var view: [Member]?
        /// Whether nobody can read them.
        var hidesView = false
    }

    enum Call: Hashable, Sendable {
        case acquire(HostName, Lease, takeOver: Bool)
        case release(HostName, Lease)
        case command(HostName, CommandID, Command)
    }

    private struct State {
        var agents: [HostName: Agent]
        var calls: [Call] = []
        var places: [String] = []
        var isClosed = false
        var files: [String: FileContent] = [:]
    }

    private let plan: MigrationPlan
    private let state: Mutex<State>

    init(plan: MigrationPlan) {
        self.plan = plan
        let agents = plan.agents.map { ($0.host, Agent()) }
        state = Mutex(State(agents: Dictionary(uniqueKeysWithValues: agents)))
    }

    var calls: [Call] { state.withLock { $0.calls } }
    /// Titles of the places that agents were told, in their order.
    var places: [String] { state.withLock { $0.places } }
    var isClosed: Bool { state.withLock { $0.isClosed } }
    /// Leases in force, by host.
    var leases: [HostName: Lease] { state.withLock { $0.agents.compactMapValues(\.lease) } }
    var rules: Int { state.withLock { $0.agents.values.reduce(0) { $0 + $1.rules } } }

    func change(_ host: String, _ body: (inout Agent) -> Void) throws {
        let name = try HostName.parsed(host)
        state.withLock { state in
            var agent = state.agents[name] ?? Agent()
            body(&agent)
            state.agents[name] = agent
        }
    }

    func close() { state.withLock { $0.isClosed = true } }

    /// The only file that it reads, on whichever host.
    func hold(_ file: FileContent) { state.withLock { $0.files[file.state.path] = file } }

    func observe(_ hosts: [HostName]) async -> [HostName: Observation] {
        state.withLock { state in
            let answers = hosts.map { host -> (HostName, Observation) in
                state.agents[host]?.silentLooks -= 1
                guard let agent = state.agents[host], !agent.isSilent, agent.silentLooks < 0 else {
                    return (host, .silent(reason: "\(host): nobody is there"))
                }
                return (host, .status(status(host, agent)))
            }
            return Dictionary(uniqueKeysWithValues: answers)
        }
    }

    func observeServing(_ hosts: [HostName]) async -> [HostName: Observation] { await observe(hosts) }

    func acquire(_ request: LeaseRequest, on host: HostName) async throws(FleetError) -> LeaseState {
        let result: Result<LeaseState, FleetError> = state.withLock { state in
            state.calls.append(.acquire(host, request.lease, takeOver: request.takeOver))
            if let place = request.place { state.places.append(place.title) }
            var agent = state.agents[host] ?? Agent()
            if agent.isSilent { return .failure(.unreachable(host: host, reason: "nobody is there")) }
            if let held = agent.lease, held.runID != request.lease.runID, !request.takeOver,
                agent.expiresAt ?? 1 > 0
            {
                return .failure(.refused(host: host, refusal: .leaseHeld(state: lease(agent))))
            }
            guard request.lease.epoch.value >= agent.epoch else {
                return .failure(
                    .refused(host: host, refusal: .superseded(highest: FencingEpoch(agent.epoch)))
                )
            }
            agent.epoch = request.lease.epoch.value
            agent.lease = request.lease
            state.agents[host] = agent
            return .success(lease(agent))
        }
        return try result.get()
    }

    func release(_ lease: Lease, on host: HostName) async throws(FleetError) {
        state.withLock { state in
            state.calls.append(.release(host, lease))
            if state.agents[host]?.lease == lease { state.agents[host]?.lease = nil }
        }
    }

    func perform(
        _ request: CommandRequest,
        on host: HostName,
        progress: @escaping @Sendable (CommandEvent) -> Void
    ) async throws(FleetError) -> CommandResult {
        let result: Result<CommandOutcome, FleetError> = state.withLock { state in
            state.calls.append(.command(host, request.id, request.command))
            var agent = state.agents[host] ?? Agent()
            guard agent.lease == request.lease else { return .success(.refused(refusal: .noLease)) }
            if case .removeHandMadeRules = request.command {
                let removed = agent.handMade
                agent.handMade = agent.staying
                state.agents[host] = agent
                return .success(.done(result: .handMade(report: handMade(agent, removed: removed))))
            }
            agent.rules = agent.staying
            agent.lostReplies -= 1
            state.agents[host] = agent
            if agent.lostReplies >= 0 { return .failure(.replyLost(host: host, reason: "reset")) }
            return .success(.done(result: .rules(rules: status(host, agent).rules)))
        }
        return try result.get().result(of: host)
    }

    func probe(_ targets: [ProbeTarget], from host: HostName) async throws(FleetError) -> [ProbeResult] {
        throw .broken(host: host, reason: "makes no probes")
    }

    func read(_ path: String, on host: HostName) async throws(FleetError) -> FileContent {
        guard let file = state.withLock({ $0.files[path] }) else {
            throw .broken(host: host, reason: "reads no files")
        }
        return file
    }

    func history(of zxids: [Zxid], on host: HostName) async throws(FleetError) -> [Zxid: Presence] { [:] }

    func ownCredentials() async -> CredentialExpiry? { nil }

    func handMade(_ request: HandMadeRequest, on host: HostName) async throws(FleetError) -> HandMadeReport {
        let agent = state.withLock { $0.agents[host] } ?? Agent()
        if agent.isSilent { throw .unreachable(host: host, reason: "nobody is there") }
        return handMade(agent)
    }

    private func handMade(_ agent: Agent, removed: Int = 0) -> HandMadeReport {
        let rule = HandMadeReport.Rule(
            place: "iptables-nft: filter INPUT",
            specification: "-d 198.51.100.1/32 -j DROP",
            count: agent.handMade,
            packets: 7
        )
        let copy = HandMadeReport.FileCopy(path: "/etc/iptables/rules.v4", line: 3, what: "-A INPUT")
        let cut = HandMadeReport.SetRule(
            place: "iptables-nft: filter INPUT",
            specification: "-m set --match-set cut src -j DROP",
            set: "ipset cut",
            reason: "its ipset cut holds 198.51.100.1",
            count: 1
        )
        return HandMadeReport(
            count: agent.handMade,
            rules: agent.handMade > 0 ? [rule] : [],
            otherCount: 0,
            others: [],
            copyCount: agent.isInFiles ? 1 : 0,
            copies: agent.isInFiles ? [copy] : [],
            cutCount: agent.isCutBySet ? 1 : 0,
            cuts: agent.isCutBySet ? [cut] : [],
            problems: [],
            removed: removed,
            saved: removed > 0 ? "/var/lib/mitosis/rulesets/r-1" : nil
        )
    }

    func clients(_ request: ClientsRequest, on host: HostName) async throws(FleetError) -> ClientsReport? {
        throw .broken(host: host, reason: "has no ZooKeeper")
    }

    func parse(_ contents: [Data], on host: HostName) async throws(FleetError) -> ParserReply {
        throw .broken(host: host, reason: "has no parser")
    }

    func preview(_ wall: Wall, on host: HostName) async throws(FleetError) -> RulesPreview {
        throw .broken(host: host, reason: "shows no rules")
    }

    private func lease(_ agent: Agent) -> LeaseState {
        LeaseState(
            highestEpoch: FencingEpoch(agent.epoch),
            current: agent.lease,
            holder: agent.lease == nil ? nil : "test",
            expiresAt: agent.lease == nil ? nil : agent.expiresAt,
            place: agent.lease == nil ? nil : agent.place
        )
    }

    private func status(_ host: HostName, _ agent: Agent) -> HostStatus {
        let isSource = plan.source.contains { $0.host == host }
        let view = agent.view ?? (isSource ? plan.sourceMembers : plan.destinationMembers)
        return StatusFixture.status(
            host,
            view: agent.hidesView ? nil : view,
            rules: agent.rules,
            walled: agent.rules == 0 ? [] : agent.walled,
            isWatched: agent.isWatched,
            lease: lease(agent)
        )
    }
}

/// No ZooKeeper anywhere.
struct NoEnsembles: EnsembleReading {
    func kafka(at source: KafkaSource) async throws(KafkaReadingError) -> KafkaCluster {
        throw KafkaReadingError(reason: "there is none")
    }

    func census(_ question: CensusQuestion) async -> EnsembleCensus {
        EnsembleCensus(ephemerals: .silent(reason: "there is no ZooKeeper"))
    }

    func findCanaries(_ question: CanaryQuestion) async -> CanaryAnswer {
        .silent(reason: "there is no ZooKeeper")
    }

    func prove(_ question: ProofQuestion, progress: @escaping @Sendable (String) -> Bool) async -> ProofAnswer
    {
        ProofAnswer(.open, "there is no ZooKeeper")
    }
}
