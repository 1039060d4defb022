import AgentServer
import ControlProtocol
import FoundationEssentials
import HostControl
import Synchronization
import Topology

/// A host that counts what is done to it, and can be made to take its time.
final class ScriptedHost: HostActions {
    private struct State {
        var performed: [Command] = []
        var isHeld = false
        var held: [CheckedContinuation<Void, Never>] = []
        var arrivals: [CheckedContinuation<Void, Never>] = []
        var objection: Refusal?
        var rulesFail = false
        var looks = 0
        var closedPorts: Result<InstalledRules?, HostActionError> = .success(nil)
        var guardReport: (@Sendable (RuleRestoration) -> Void)?
        var forgotten = 0
        var order: OrderState?
    }

    private let state = Mutex(State())

    var performed: [Command] { state.withLock { $0.performed } }

    /// From here on a command does not end before `release`.
    func hold() { state.withLock { $0.isHeld = true } }

    func release() {
        let held = state.withLock { state in
            state.isHeld = false
            defer { state.held = [] }
            return state.held
        }
        for command in held { command.resume() }
    }

    func object(_ refusal: Refusal?) { state.withLock { $0.objection = refusal } }
    /// What the next agent finds when it starts.
    func leaveClosed(_ result: Result<InstalledRules?, HostActionError>) {
        state.withLock { $0.closedPorts = result }
    }

    /// Nil while no agent has its rules guarded.
    var guardReport: (@Sendable (RuleRestoration) -> Void)? { state.withLock { $0.guardReport } }

    func failRules() { state.withLock { $0.rulesFail = true } }

    /// Returns once `count` commands have begun.
    func begun(_ count: Int) async {
        while performed.count < count {
            await withCheckedContinuation { resume in
                let isThere = state.withLock { state in
                    if state.performed.count >= count { return true }
                    state.arrivals.append(resume)
                    return false
                }
                if isThere { resume.resume() }
            }
        }
    }

    /// How often its rules were asked for.
    var looks: Int { state.withLock { $0.looks } }

    func objection(to command: Command) async -> Refusal? { state.withLock { $0.objection } }

    func perform(
        _ command: Command,
        run: RunID,
        progress: @escaping @Sendable (String) -> Void
    ) async -> CommandOutcome {
        let arrivals = state.withLock { state in
            state.performed.append(command)
            defer { state.arrivals = [] }
            return state.arrivals
        }
        for waiter in arrivals { waiter.resume() }
        progress("begun")
        await withCheckedContinuation { resume in
            let isHeld = state.withLock { state in
                if state.isHeld { state.held.append(resume) }
                return state.isHeld
            }
            if !isHeld { resume.resume() }
        }
        return .done(result: .rules(rules: Self.rules(count: performed.count)))
    }

    func installedRules() async throws(HostActionError) -> InstalledRules {
        state.withLock { $0.looks += 1 }
        if state.withLock({ $0.rulesFail }) { throw .failed(message: "nft is missing") }
        return Self.rules(count: 4)
    }

    func openPorts() async throws(HostActionError) -> InstalledRules? {
        try state.withLock { $0.closedPorts }.get()
    }

    /// What its disk orders.
    var ordered: OrderState? {
        get { state.withLock { $0.order } }
        set { state.withLock { $0.order = newValue } }
    }

    func order() async -> OrderState? { ordered }

    func watchOrder(unless isBusy: @escaping @Sendable () -> Bool) async {}

    func coordinatorWasHeard(of run: RunID) {}

    func reinstateOrder() async throws(HostActionError) -> OrderState? { nil }

    func watchRules(_ report: @escaping @Sendable (RuleRestoration) -> Void) async {
        state.withLock { $0.guardReport = report }
        // Until it is cancelled.
        for await _ in AsyncStream<Void>.makeStream().stream {}
        state.withLock { $0.guardReport = nil }
    }

    /// How often it was told to watch over its rules no more.
    var forgotten: Int { state.withLock { $0.forgotten } }

    func forgetRules() async { state.withLock { $0.forgotten += 1 } }

    func untilServing() async {}

    func zookeeper() async -> ZooKeeperStatus? {
        let stats = ServerStats(
            version: ServerVersion(3, 8, 0),
            role: .follower,
            zxid: Zxid(epoch: 5, counter: 18),
            connections: 3,
            outstanding: 1,
            nodeCount: 42,
            syncedFollowers: nil
        )
        let file = FileState(
            path: "/etc/zoo \"x\".cfg",
            digest: "ab",
            size: 2,
            mode: 0o644,
            owner: 0,
            group: 0,
            symlinkTarget: nil,
            changedAt: 1500
        )
        return ZooKeeperStatus(
            service: "zookeeper",
            state: .running(pid: 7),
            processStartedAt: 1_700_000_000_123,
            configPath: "/etc/zoo \"x\".cfg",
            file: file,
            fileView: [],
            runningView: nil,
            serving: .yes(stats: stats),
            data: DataDirectory(
                path: "/data",
                logPath: "/data",
                isEmpty: false,
                myid: 1,
                currentEpoch: 5,
                acceptedEpoch: 5,
                lastZxid: Zxid(epoch: 5, counter: 17),
                problems: []
            ),
            peerSockets: [],
            diskFree: 1 << 40
        )
    }

    func otherServices() async -> [NamedService] {
        [NamedService(name: "kafka.service", state: .running(pid: 9))]
    }

    func allowedFiles() async -> [FileState] {
        [
            FileState(
                path: "/etc/kafka/server.properties",
                digest: "cd",
                size: 3,
                mode: 0o644,
                owner: 0,
                group: 0,
                symlinkTarget: nil,
                changedAt: 1501
            )
        ]
    }

    func ruleManagers() async -> [RuleManager] { [RuleManager(name: "firewalld", pid: 17)] }

    func configurationManagers() async -> [RuleManager] { [RuleManager(name: "puppet", pid: 18)] }

    func reach(of zookeeper: ZooKeeperStatus?) async -> [PathReach] {
        [PathReach(path: "/etc/kafka/server.properties", problem: "it is read-only for the agent")]
    }

    func read(file path: String) async throws(HostActionError) -> FileContent {
        FileContent(
            state: FileState(
                path: path,
                digest: nil,
                size: nil,
                mode: nil,
                owner: nil,
                group: nil,
                symlinkTarget: nil,
                changedAt: nil
            ),
            content: nil
        )
    }

    func original(of path: String, run: RunID) async throws(HostActionError) -> FileContent {
        throw .refused(refusal: .invalid(reason: "run \(run) never wrote to \(path)"))
    }

    func handMade(_ request: HandMadeRequest) async -> HandMadeReport {
        HandMadeReport(
            count: 0,
            rules: [],
            otherCount: 0,
            others: [],
            copyCount: 0,
            copies: [],
            problems: []
        )
    }

    func preview(_ wall: Wall) async throws(HostActionError) -> RulesPreview {
        RulesPreview(backend: .nftables, text: "table inet mitosis")
    }

    func parse(_ contents: [Data]) async -> ParserReply {
        ParserReply(version: ServerVersion(3, 8, 0), refusals: contents.map { _ in "" }, obstacle: nil)
    }

    func clients(_ request: ClientsRequest) async -> ClientsReport {
        let connections = [IPAddress("198.51.100.7"), IPAddress("2001:db8::7")].compactMap { address in
            address.flatMap { address in
                Port(2181).map { ClientsReport.Connections(address: address, port: $0, count: 2) }
            }
        }
        return ClientsReport(
            ports: connections.map(\.port).suffix(1),
            connections: connections,
            sessions: request.sessions
                ? connections.map { ClientsReport.Session(id: SessionNumber(0x100), address: $0.address) }
                : nil,
            sessionsAreWhole: true
        )
    }

    func writes(_ request: WritesRequest) async -> WritesReport {
        let zxid = Zxid(request.after.value + 1)
        let writes = request.trees.map { tree in
            WritesReport.Write(
                zxid: zxid,
                at: 1,
                kind: .create,
                path: tree + "/n",
                session: SessionNumber(0x100),
                address: IPAddress("198.51.100.7")
            )
        }
        return WritesReport(
            first: zxid,
            last: zxid,
            place: LogPlace(log: zxid, offset: 16, zxid: zxid),
            count: writes.count,
            writes: writes
        )
    }

    func probe(_ targets: [ProbeTarget]) async -> [ProbeResult] {
        targets.map { ProbeResult(target: $0, answer: .connected) }
    }

    /// Its history begins with a snapshot at 0x20 and ends at 0x30.
    func presence(of zxids: [Zxid]) async throws(HostActionError) -> [Zxid: Presence] {
        if state.withLock({ $0.rulesFail }) { throw .failed(message: "cannot list /data/version-2") }
        return zxids.reduce(into: [:]) { found, zxid in
            found[zxid] = zxid <= Zxid(0x20) ? .snapshot : zxid <= Zxid(0x30) ? .logged : .absent
        }
    }

    static func rules(count: Int) -> InstalledRules {
        let counters = [UInt64(2), 3].map {
            InstalledRules.Counter(chain: "input", family: .ipv4, packets: $0, bytes: $0 * 60)
        }
        return InstalledRules(backend: .nftables, wall: nil, count: count, counters: counters, listing: "")
    }
}
