import ControlProtocol
import Fleet
import FoundationEssentials
import KafkaMetadata
import Procedure
import Settings
import Synchronization
import Topology

/// Agents and ensembles over one `ModelEnsemble`, with faults injected by command number.
final class ModelFleet: Fleet, EnsembleReading {
    enum Fault: Hashable, Sendable {
        /// The agent never gets it.
        case unreachable
        /// The agent does it, the answer is lost.
        case replyLost
        /// The same, so many looks later; by then it may be superseded.
        case late(looks: Int)
    }

    private struct State {
        var model: ModelEnsemble
        var sent = 0
        var looks = 0
        var changes: [Int: [@Sendable (inout ModelEnsemble) -> Void]] = [:]
        var questions: [ProofQuestion] = []
        /// What a proof shows in place of what the model would.
        var verdict: @Sendable (ProofQuestion) -> ProofAnswer? = { _ in nil }

        /// Once.
        mutating func makeChanges(of look: Int) {
            for change in changes.removeValue(forKey: look) ?? [] { change(&model) }
        }
    }

    /// What an agent is asked about its lease.
    enum LeaseCall: Hashable, Sendable {
        case acquire
        case release
    }

    private let state: Mutex<State>
    private let faults: [Int: Fault]
    private let beforeLease: @Sendable (LeaseCall) async -> Void

    /// - Parameter beforeLease: waited for before an agent gets such a call.
    init(
        plan: MigrationPlan,
        faults: [Int: Fault] = [:],
        beforeLease: @escaping @Sendable (LeaseCall) async -> Void = { _ in }
    ) {
        state = Mutex(State(model: ModelEnsemble(plan: plan)))
        self.faults = faults
        self.beforeLease = beforeLease
    }

    var model: ModelEnsemble { state.withLock { $0.model } }
    var sent: Int { state.withLock { $0.sent } }
    /// How often the fleet was asked for statuses.
    var looks: Int { state.withLock { $0.looks } }

    /// What was to be proven, in that order.
    var proofs: [ProofQuestion] { state.withLock { $0.questions } }

    /// From now on proofs show this, where it is not nil.
    func answer(_ verdict: @escaping @Sendable (ProofQuestion) -> ProofAnswer?) {
        state.withLock { $0.verdict = verdict }
    }

    func prove(_ question: ProofQuestion, progress: @escaping @Sendable (String) -> Bool) async -> ProofAnswer
    {
        let verdict = state.withLock { state in
            state.questions.append(question)
            return state.verdict
        }
        return verdict(question) ?? state.withLock { $0.model.prove(question) }
    }

    /// Makes a change right before that look.
    func atLook(_ number: Int, _ body: @escaping @Sendable (inout ModelEnsemble) -> Void) {
        state.withLock { $0.changes[number, default: []].append(body) }
    }

    /// Makes the next look's changes before any part of it is asked: the parts are asked beside each other.
    func makeNextChanges() { state.withLock { $0.makeChanges(of: $0.looks + 1) } }

    func change(_ body: (inout ModelEnsemble) -> Void) { state.withLock { body(&$0.model) } }

    func observeServing(_ hosts: [HostName]) async -> [HostName: Observation] { await observe(hosts) }

    func observe(_ hosts: [HostName]) async -> [HostName: Observation] {
        state.withLock { state in
            state.looks += 1
            state.makeChanges(of: state.looks)
            state.model.commit()
            return Dictionary(
                uniqueKeysWithValues: hosts.compactMap { host in
                    state.model.status(host).map { (host, Observation.status($0)) }
                }
            )
        }
    }

    func probe(_ targets: [ProbeTarget], from host: HostName) async throws(FleetError) -> [ProbeResult] {
        let odd = state.withLock { $0.model.odd(host) }
        let isRefused =
            odd.refusedAddresses.isEmpty || targets.contains { odd.refusedAddresses.contains($0.address) }
        if isRefused, let refusal = odd.probeRefusal {
            throw .refused(host: host, refusal: .notAllowed(reason: refusal))
        }
        return state.withLock { $0.model.probe(targets, from: host) }
    }

    func read(_ path: String, on host: HostName) async throws(FleetError) -> FileContent {
        if state.withLock({ $0.model.odd(host).isSilent }) {
            throw .unreachable(host: host, reason: "injected")
        }
        if let content = readOnBroker(path, host) { return content }
        return state.withLock { state in
            let file = state.model.fileState(host)
            return FileContent(state: file, content: state.model.hosts[host]?.file)
        }
    }

    private func readOnBroker(_ path: String, _ host: HostName) -> FileContent? {
        state.withLock { state in
            if let application = state.model.applications.all[host] {
                return FileContent(state: state.model.applications.state(host), content: application.file)
            }
            guard let broker = state.model.brokers.brokers[host] else { return nil }
            let isConfig = path == broker.planned.configPath
            return FileContent(
                state: state.model.brokers.fileState(host),
                content: isConfig ? broker.file : state.model.brokers.metas[host]
            )
        }
    }

    func kafka(at source: KafkaSource) async throws(KafkaReadingError) -> KafkaCluster {
        let result: Result<KafkaCluster, KafkaReadingError> = state.withLock { state in
            state.model.brokers.pass()
            guard source.servers.contains(where: { state.model.serves($0.host) }),
                !state.model.brokers.isUnreadable
            else { return .failure(KafkaReadingError(reason: "no server answers")) }
            do throws(KafkaTreeError) { return .success(try state.model.brokers.cluster()) } catch {
                return .failure(KafkaReadingError(reason: "\(error)"))
            }
        }
        return try result.get()
    }

    func history(of zxids: [Zxid], on host: HostName) async throws(FleetError) -> [Zxid: Presence] {
        state.withLock { $0.model.history(of: zxids, on: host) }
    }

    func findCanaries(_ question: CanaryQuestion) async -> CanaryAnswer {
        state.withLock { $0.model.findCanaries(question) }
    }

    func clients(_ request: ClientsRequest, on host: HostName) async throws(FleetError) -> ClientsReport? {
        let answer = state.withLock { $0.model.clients(of: host) }
        switch answer {
        case .told(let report): return report
        case .tooOld: return nil
        case .silent(let reason): throw .unreachable(host: host, reason: reason)
        }
    }

    func writes(_ request: WritesRequest, on host: HostName) async throws(FleetError) -> WritesReport? {
        let answer = state.withLock { $0.model.writes(request, on: host) }
        switch answer {
        case .told(let report): return report
        case .tooOld: return nil
        case .silent(let reason): throw .unreachable(host: host, reason: reason)
        }
    }

    func census(_ question: CensusQuestion) async -> EnsembleCensus {
        state.withLock { $0.model.census(question) }
    }

    func ownCredentials() -> CredentialExpiry? { state.withLock { $0.model.ownCredentials } }

    func handMade(_ request: HandMadeRequest, on host: HostName) async throws(FleetError) -> HandMadeReport {
        throw .broken(host: host, reason: "not modelled")
    }

    func parse(_ contents: [Data], on host: HostName) async throws(FleetError) -> ParserReply {
        let odd = state.withLock { $0.model.odd(host) }
        if odd.isSilent { throw .unreachable(host: host, reason: "silent") }
        if let reason = odd.parserFailure { throw .broken(host: host, reason: reason) }
        if let obstacle = odd.parserObstacle { return ParserReply(obstacle: obstacle) }
        let refusals = contents.indices.map { $0 < odd.parserRefusals.count ? odd.parserRefusals[$0] : "" }
        return ParserReply(version: odd.version, refusals: refusals, obstacle: nil)
    }

    func preview(_ wall: Wall, on host: HostName) async throws(FleetError) -> RulesPreview {
        if let refusal = state.withLock({ $0.model.odd(host).previewRefusal }) {
            throw .broken(host: host, reason: refusal)
        }
        return RulesPreview(backend: .nftables, text: wall.peers.map(\.description).joined(separator: " "))
    }

    func acquire(_ request: LeaseRequest, on host: HostName) async throws(FleetError) -> LeaseState {
        await beforeLease(.acquire)
        let result: Result<LeaseState, FleetError> = state.withLock { state in
            let highest = state.model.lease(of: host).highestEpoch
            guard request.lease.epoch >= highest else {
                return .failure(.refused(host: host, refusal: .superseded(highest: highest)))
            }
            let lease = LeaseState(
                highestEpoch: request.lease.epoch,
                current: request.lease,
                holder: "test",
                expiresAt: nil
            )
            state.model.grant(lease, on: host)
            return .success(lease)
        }
        return try result.get()
    }

    func release(_ lease: Lease, on host: HostName) async throws(FleetError) { await beforeLease(.release) }

    func perform(
        _ request: CommandRequest,
        on host: HostName,
        progress: @escaping @Sendable (CommandEvent) -> Void
    ) async throws(FleetError) -> CommandResult {
        let (outcome, fault) = state.withLock { state -> (CommandOutcome, Fault?) in
            state.sent += 1
            let fault = faults[state.sent]
            if state.model.odd(host).isSilent { return (.failed(message: ""), .unreachable) }
            switch fault {
            case .unreachable: return (.failed(message: ""), fault)
            case .late(let looks):
                state.changes[state.looks + looks, default: []].append { _ = $0.perform(request, on: host) }
                return (.failed(message: ""), fault)
            case .replyLost, nil: return (state.model.perform(request, on: host), fault)
            }
        }
        switch fault {
        case .unreachable: throw .unreachable(host: host, reason: "injected")
        case .replyLost, .late: throw .replyLost(host: host, reason: "injected")
        case nil: return try outcome.result(of: host)
        }
    }
}
