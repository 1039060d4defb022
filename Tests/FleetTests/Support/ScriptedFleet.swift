import ControlProtocol
import Fleet
import FoundationEssentials
import Synchronization
import SystemCalls
import Topology

/// Agents that answer leases and commands as a test says, and write down what they were asked.
final class ScriptedFleet: Fleet {
    enum Call: Hashable, Sendable {
        case acquire(HostName, LeaseRequest)
        case release(HostName, Lease)
        case perform(HostName, CommandID)
    }

    typealias Grant = @Sendable (HostName, LeaseRequest) async throws(FleetError) -> Void
    /// The number counts a host's commands from 1.
    typealias Perform = @Sendable (HostName, Int) async throws(FleetError) -> CommandOutcome
    /// What is said of a command before its outcome.
    typealias Say = @Sendable (_ tell: @Sendable (CommandEvent) -> Void) async -> Void

    private let log = Mutex<[Call]>([])
    private let statuses: [HostName: Observation]
    private let grant: Grant
    private let answer: Perform
    private let say: Say

    init(
        statuses: [HostName: Observation] = [:],
        grant: @escaping Grant = { _, _ throws(FleetError) in },
        saying say: @escaping Say = { _ in },
        perform answer: @escaping Perform = { _, _ throws(FleetError) in Sample.done }
    ) {
        self.statuses = statuses
        self.grant = grant
        self.answer = answer
        self.say = say
    }

    var calls: [Call] { log.withLock { $0 } }

    func acquire(_ request: LeaseRequest, on host: HostName) async throws(FleetError) -> LeaseState {
        log.withLock { $0.append(.acquire(host, request)) }
        try await grant(host, request)
        return LeaseState(
            highestEpoch: request.lease.epoch,
            current: request.lease,
            holder: "test",
            expiresAt: nil
        )
    }

    func release(_ lease: Lease, on host: HostName) async throws(FleetError) {
        log.withLock { $0.append(.release(host, lease)) }
    }

    func perform(
        _ request: CommandRequest,
        on host: HostName,
        progress: @escaping @Sendable (CommandEvent) -> Void
    ) async throws(FleetError) -> CommandResult {
        let number = log.withLock { log in
            log.append(.perform(host, request.id))
            return log.count { call in
                if case .perform(host, _) = call { true } else { false }
            }
        }
        await say(progress)
        return try await answer(host, number).result(of: host)
    }

    func observe(_ hosts: [HostName]) async -> [HostName: Observation] { statuses }

    func observeServing(_ hosts: [HostName]) async -> [HostName: Observation] { statuses }

    // MARK: - Not asked by what is tested with it

    func probe(_ targets: [ProbeTarget], from host: HostName) async throws(FleetError) -> [ProbeResult] {
        throw .broken(host: host, reason: "not scripted")
    }

    func read(_ path: String, on host: HostName) async throws(FleetError) -> FileContent {
        throw .broken(host: host, reason: "not scripted")
    }

    func history(of zxids: [Zxid], on host: HostName) async throws(FleetError) -> [Zxid: Presence] {
        throw .broken(host: host, reason: "not scripted")
    }

    func clients(_ request: ClientsRequest, on host: HostName) async throws(FleetError) -> ClientsReport? {
        throw .broken(host: host, reason: "not scripted")
    }

    func handMade(_ request: HandMadeRequest, on host: HostName) async throws(FleetError) -> HandMadeReport {
        throw .broken(host: host, reason: "not scripted")
    }

    func parse(_ contents: [Data], on host: HostName) async throws(FleetError) -> ParserReply {
        throw .broken(host: host, reason: "not scripted")
    }

    func preview(_ wall: Wall, on host: HostName) async throws(FleetError) -> RulesPreview {
        throw .broken(host: host, reason: "not scripted")
    }

    func ownCredentials() async -> CredentialExpiry? { nil }
}

/// Time that passes only when somebody sleeps.
final class Elapsed: Sendable {
    private let time = Mutex(Duration.zero)

    var now: Duration { time.withLock { $0 } }

    var timing: Timing {
        Timing(
            now: { Int64(self.now.milliseconds) },
            monotonic: { self.now },
            sleep: { duration in self.time.withLock { $0 += duration } }
        )
    }
}
