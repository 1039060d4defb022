import ControlProtocol
import FoundationEssentials
import Synchronization
import SystemCalls
import Topology

@testable import HostControl

/// A server with its clients, its disk and its host's packet filter, which keeps what is done to it in its order.
///
/// Its clients write whenever something is done, for as long as it serves and its ports are open. The disk takes a few
/// transactions at every look.
final class DetachWorld: Sendable {
    /// What is done to it, or comes of it.
    enum Step: Hashable, Sendable {
        case attached, ask, serving, data, logWriter
        case end(Int32)
        case copy(RunID)
        case installed, remove, openPorts
        case close(ClosedPorts, behind: Wall?)
        case install(Wall)
        /// Seen at the next step after it.
        case recorded

        var kind: Kind {
            switch self {
            case .attached: .attached
            case .ask: .ask
            case .serving: .serving
            case .data: .data
            case .logWriter: .logWriter
            case .end: .end
            case .copy: .copy
            case .installed: .installed
            case .remove: .remove
            case .openPorts: .openPorts
            case .close: .close
            case .install: .install
            case .recorded: .recorded
            }
        }
    }

    enum Kind: String, Hashable, Sendable {
        case attached, ask, serving, data, logWriter, end, copy
        case installed, remove, openPorts, close, install, recorded
    }

    /// When the agent dies: at a step, with or without its effect.
    struct Death: Hashable, Sendable, CustomStringConvertible {
        let kind: Kind
        let isAfter: Bool

        var description: String { (isAfter ? "after " : "before ") + kind.rawValue }
    }

    struct State: Sendable {
        var steps: [Step] = []
        /// What the host's disk ordered when the process was ended, and when the wall went up.
        var orderAtEnd: StandingOrder?
        var orderAtWall: StandingOrder?
        var entry: DetachRecord.Entry?
        var pid: Int32? = 41
        /// A process of this test in its place.
        var identity: ProcessIdentity?
        /// It serves, and so its clients write.
        var isServing = true
        /// What it says when it is asked; nil for the truth.
        var answer: Serving?
        /// What it says on new connections, one after another; the last one for ever.
        var servings: [Serving] = [.looking]
        /// By the number of the look.
        var writer: @Sendable (Int) -> LogWriter.Sample? = { _ in nil }
        var memory = Zxid(epoch: 5, counter: 100)
        /// Nil when nothing has been written.
        var disk: Zxid? = Zxid(epoch: 5, counter: 90)
        /// Transactions that one look sees come to the disk.
        var flushes: UInt32 = 5
        /// Gaps in the log, by the number of the look.
        var missing: @Sendable (Int) -> [ZxidRange] = { _ in [] }
        var problems: [String] = []
        var told: Zxid?
        var wall: Wall?
        var closed: ClosedPorts?
        var copied: Zxid?
        /// The disk, when the server was ended.
        var left: Zxid?
        var firewallFails: [Kind: FirewallError] = [:]
        var serverFails: [Kind: DetachError] = [:]
        /// Somebody opened the ports in between.
        var wasReopened = false
        /// The same, after it was drained.
        var isReopenedAtTheEnd = false
        /// Its process has gone, and this is what comes of asking its service manager.
        var unconfirmed: DetachError?
        var death: Death?
        var life = 0
        var isDead = false

        func count(_ kind: Kind) -> Int { steps.count { $0.kind == kind } }
    }

    static let exception = port(50_123)
    static let clientPorts: Set<Port> = [port(2181), port(8080)]
    static let closed = ClosedPorts(ports: Array(clientPorts), exception: exception)

    let scratch: Scratch
    let record: DetachRecord
    let orders: Orders
    let run: RunID
    private let state: Mutex<State>
    private let died = AsyncStream<Void>.makeStream()

    init(_ run: RunID, _ change: (inout State) -> Void = { _ in }) throws {
        self.run = run
        scratch = try Scratch()
        record = DetachRecord(stateDirectory: try scratch.directory("state"))
        orders = Orders(
            stateDirectory: scratch("state"),
            backend: .nftables,
            protectedPorts: [],
            areUnits: true,
            now: { 1_000 }
        )
        var first = State()
        change(&first)
        state = Mutex(first)
    }

    var now: State { state.withLock { $0 } }

    func change(_ body: @Sendable (inout State) -> Void) { state.withLock { body(&$0) } }

    /// One agent's whole attempt.
    func detach(
        _ request: DetachRequest,
        progress: @escaping @Sendable (String) -> Void = { _ in }
    ) async throws(DetachError) -> DetachReport {
        let life = now.life
        let detachment = Detachment(
            server: WorldServer(world: self, life: life),
            firewall: WorldFirewall(world: self, life: life),
            record: record,
            orders: orders,
            progress: progress
        )
        return try await detachment.perform(request, for: run)
    }

    /// Begins an attempt, and waits until its agent has died; false when it came to its end first.
    func isInterrupted(_ request: DetachRequest, _ death: Death) async -> Bool {
        change { $0.death = death }
        Task {
            do { _ = try await detach(request) } catch { print("\(death): \(error)") }
            died.continuation.finish()
        }
        for await _ in died.stream { return true }
        return false
    }

    /// The next agent starts: as every agent, it opens what was left closed.
    func restartAgent() async throws {
        change { state in
            state.life += 1
            (state.isDead, state.death) = (false, nil)
        }
        let firewall = WorldFirewall(world: self, life: now.life)
        _ = try await firewall.openPorts()
        try await orders.forgetUnended(isWalled: now.wall != nil)
        _ = try await orders.reinstate(with: firewall)
    }

    var firewall: any Firewall { WorldFirewall(world: self, life: now.life) }

    /// An agent that has died never gets an answer.
    fileprivate func take<Value: Sendable>(
        _ step: Step,
        _ life: Int,
        _ effect: (inout State) -> Value
    ) async -> Value {
        let value: Value? = state.withLock { state in
            guard state.life == life, !state.isDead else { return nil }
            if state.death == Death(kind: step.kind, isAfter: false) {
                state.isDead = true
                return nil
            }
            if let entry = kept(), entry != state.entry {
                state.entry = entry
                state.steps.append(.recorded)
            }
            state.steps.append(step)
            if case .order(let order) = orders.store.read() {
                if step.kind == .end { state.orderAtEnd = order }
                if step.kind == .install { state.orderAtWall = order }
            }
            if state.isServing, state.pid != nil, state.closed == nil {
                state.memory = Zxid(state.memory.value + 1)
                state.told = state.memory
            }
            let value = effect(&state)
            if state.death == Death(kind: step.kind, isAfter: true) {
                state.isDead = true
                return nil
            }
            return value
        }
        if let value { return value }
        died.continuation.yield()
        return await withUnsafeContinuation { (_: UnsafeContinuation<Value, Never>) in }
    }

    private func kept() -> DetachRecord.Entry? {
        // What cannot be read was not kept by this run.
        do { return try record.entry(of: run) } catch { return nil }
    }
}

private struct WorldServer: DetachableServer {
    let world: DetachWorld
    let life: Int

    private struct Question: MemoryQuestion {
        let server: WorldServer
        var localPort: Port { DetachWorld.exception }

        func ask() async -> Serving {
            await server.world.take(.ask, server.life) { state in
                state.answer ?? (state.isServing ? .serving(state.memory) : .looking)
            }
        }
    }

    func attached() async throws(DetachError) -> AttachedServer? {
        let pid = await world.take(.attached, life) { $0.result(of: .attached, $0.pid) }
        return try pid.get().map {
            AttachedServer(
                pid: $0,
                identity: world.now.identity,
                clientPorts: DetachWorld.clientPorts,
                question: Question(server: self)
            )
        }
    }

    func serving() async -> Serving {
        await world.take(.serving, life) { state in
            let number = state.count(.serving) - 1
            return state.servings[min(number, state.servings.count - 1)]
        }
    }

    func data() async -> DataDirectory {
        await world.take(.data, life) { state in
            if state.pid != nil, let disk = state.disk {
                state.disk = min(state.memory, Zxid(disk.value + UInt64(state.flushes)))
            }
            return DataDirectory(
                path: "/data",
                logPath: "/log",
                isEmpty: state.disk == nil,
                myid: 1,
                currentEpoch: 5,
                acceptedEpoch: 5,
                lastZxid: state.disk,
                missing: state.missing(state.count(.data) - 1),
                problems: state.problems
            )
        }
    }

    func logWriter(of pid: Int32) async -> LogWriter.Sample? {
        await world.take(.logWriter, life) { state in
            state.pid == pid ? state.writer(state.count(.logWriter) - 1) : nil
        }
    }

    func end(_ pid: Int32) async throws(DetachError) -> ConfirmedEnd {
        try await world.take(.end(pid), life) { state in
            let result = state.result(of: .end, ())
            if case .success = result { (state.pid, state.left) = (nil, state.disk) }
            return result
        }.get()
        return { [world] () async throws(DetachError) in
            if let error = world.now.unconfirmed { throw error }
        }
    }

    func copy(for run: RunID) async throws(DetachError) -> String? {
        try await world.take(.copy(run), life) { state in
            let result = state.result(of: .copy, state.disk.map { _ in "/data/mitosis-\(run)" })
            if case .success = result { state.copied = state.disk }
            return result
        }.get()
    }
}

private struct WorldFirewall: Firewall {
    let world: DetachWorld
    let life: Int

    func installed() async throws(FirewallError) -> InstalledRules {
        try await change(.installed) { _ in }
    }

    func install(_ wall: Wall) async throws(FirewallError) -> InstalledRules {
        try await change(.install(wall)) { ($0.wall, $0.closed) = (wall, nil) }
    }

    func close(_ ports: ClosedPorts, behind wall: Wall?) async throws(FirewallError) -> InstalledRules {
        try await change(.close(ports, behind: wall)) { ($0.wall, $0.closed) = (wall, ports) }
    }

    func stillCloses(_ rules: InstalledRules) async throws(FirewallError) -> Bool {
        let state = world.now
        let wasReopened = state.wasReopened || state.isReopenedAtTheEnd && state.pid == nil
        return !wasReopened && state.closed == rules.closed
    }

    func openPorts() async throws(FirewallError) -> InstalledRules? {
        try await change(.openPorts) { $0.closed = nil }
    }

    func remove() async throws(FirewallError) -> InstalledRules {
        try await change(.remove) { ($0.wall, $0.closed) = (nil, nil) }
    }

    func forget() async {}

    func watch(
        unless isGivenUp: @escaping @Sendable () -> Bool,
        _ report: @escaping @Sendable (RuleRestoration) -> Void
    ) async {}

    func pilot(_ wall: Wall) async throws(FirewallError) -> PilotReport {
        throw .refused(refusal: .invalid(reason: "not modelled"))
    }

    func sever(_ wall: Wall) async throws(FirewallError) -> InstalledRules {
        throw .unreadable(source: "sever", detail: "nobody severs while detaching")
    }

    func preview(_ wall: Wall) throws(FirewallError) -> String { "" }

    private func change(
        _ step: DetachWorld.Step,
        _ effect: (inout DetachWorld.State) -> Void
    ) async throws(FirewallError) -> InstalledRules {
        try await world.take(step, life) { state -> Result<InstalledRules, FirewallError> in
            if let error = state.firewallFails[step.kind] { return .failure(error) }
            effect(&state)
            return .success(state.rules)
        }.get()
    }
}

extension DetachWorld.State {
    var rules: InstalledRules {
        InstalledRules(
            backend: .nftables,
            wall: wall,
            closed: closed,
            count: wall == nil && closed == nil ? 0 : 1,
            counters: [],
            listing: ""
        )
    }

    fileprivate func result<Value>(of kind: DetachWorld.Kind, _ value: Value) -> Result<Value, DetachError> {
        serverFails[kind].map { .failure($0) } ?? .success(value)
    }
}
