package import ControlProtocol
import Synchronization
package import SystemCalls

/// Sends a run's chain to hosts as it grows, each host by itself and in order, in the background.
///
/// What a host is known to keep, and what it is sent, is a value: `ChainProgress`.
package final class ChainMirror: Sendable {
    private struct State {
        var links: [ChainLink] = []
        var progress: [HostName: ChainProgress] = [:]
        /// Hosts that are sent nothing any more.
        var given: Set<HostName> = []
        var told: Set<HostName> = []
        var bells: [HostName: AsyncStream<Void>.Continuation] = [:]
        var watchers: [Int: AsyncStream<Void>.Continuation] = [:]
        var lastWatcher = 0
        var workers: [Task<Void, Never>] = []
    }

    private let hosts: [HostName]
    private let agents: any ChainAgents
    private let lease: Lease
    private let timing: Timing
    private let remark: @Sendable (HostName, ChainProgress.Remark) -> Void
    private let state: Mutex<State>

    /// Before a host that did not answer is asked again.
    private static let pause: Duration = .seconds(1)

    /// - Parameter remark: told what is wrong with a host's chain, once for each host.
    package init(
        hosts: [HostName],
        agents: any ChainAgents,
        lease: Lease,
        timing: Timing,
        remark: @escaping @Sendable (HostName, ChainProgress.Remark) -> Void
    ) {
        self.hosts = hosts
        self.agents = agents
        self.lease = lease
        self.timing = timing
        self.remark = remark
        let progress = hosts.map { ($0, ChainProgress()) }
        state = Mutex(State(progress: Dictionary(progress) { first, _ in first }))
    }

    /// How many entries it has been given.
    package var count: Int { state.withLock { $0.links.count } }

    /// Gives it what the chain has grown by; waits for nobody.
    package func add(_ links: [ChainLink]) {
        let bells = state.withLock { state in
            state.links += links
            return Array(state.bells.values)
        }
        for bell in bells { bell.yield() }
    }

    package func start() {
        for host in hosts {
            let (stream, bell) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
            let worker = Task { await self.serve(host, stream) }
            state.withLock { state in
                state.bells[host] = bell
                state.workers.append(worker)
            }
            bell.yield()
        }
    }

    /// Whether a majority of the hosts keeps all that has been added until now; waits for it so long at most.
    package func isHeld(within patience: Duration) async -> Bool {
        let wanted = count
        return await waiting(patience) { state, hosts in
            let holders = hosts.count { (state.progress[$0]?.held ?? 0) >= wanted }
            return holders > hosts.count / 2
        }
    }

    /// Ends once every host keeps all of it that can, after so long at most.
    package func close(within patience: Duration) async {
        let wanted = count
        _ = await waiting(patience) { state, hosts in
            hosts.allSatisfy { state.given.contains($0) || (state.progress[$0]?.held ?? 0) >= wanted }
        }
        let workers = state.withLock { state in
            for bell in state.bells.values { bell.finish() }
            return state.workers
        }
        for worker in workers { worker.cancel() }
        for worker in workers { await worker.value }
    }

    private func waiting(
        _ patience: Duration,
        until isSo: @escaping @Sendable (State, [HostName]) -> Bool
    ) async -> Bool {
        let hosts = hosts
        let (stream, watcher) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let (number, isDone) = state.withLock { state in
            state.lastWatcher += 1
            state.watchers[state.lastWatcher] = watcher
            return (state.lastWatcher, isSo(state, hosts))
        }
        defer { state.withLock { _ = $0.watchers.removeValue(forKey: number) } }
        if isDone || patience <= .zero { return isDone }
        let came = await Deadline.cancelling(after: patience) {
            for await _ in stream where self.state.withLock({ isSo($0, hosts) }) { return true }
            return false
        }
        return came ?? false
    }

    private func serve(_ host: HostName, _ bell: AsyncStream<Void>) async {
        for await _ in bell {
            while !Task.isCancelled {
                let next = state.withLock { $0.progress[host]?.next(of: $0.links) ?? .nothing }
                guard case .send(let entries, let replacing) = next else { break }
                switch await send(entries, replacing, to: host) {
                case .on: continue
                case .later: await timing.sleep(Self.pause)
                case .never:
                    change { $0.given.insert(host) }
                    return
                }
            }
        }
    }

    private enum After {
        case on
        case later
        case never
    }

    private func send(_ entries: [ChainLink], _ replacing: Bool, to host: HostName) async -> After {
        do throws(FleetError) {
            let request = ChainRequest(lease: lease, entries: entries, replacing: replacing)
            guard let answer = try await agents.extend(request, on: host) else {
                tell(host, .outdated)
                return .never
            }
            let (found, isFurther) = state.withLock { state in
                let before = state.progress[host]?.held
                let found = state.progress[host]?.answered(answer, of: lease.runID, state.links)
                return (found, state.progress[host]?.held != before || before == nil)
            }
            change { _ in }
            if let found { tell(host, found) }
            return isFurther ? .on : .later
        } catch {
            change { $0.progress[host]?.lost() }
            switch error {
            // The run is told by its commands.
            case .refused(_, .superseded): return .never
            case .refused, .unreachable, .replyLost, .failed, .broken, .gaveUp: return .later
            }
        }
    }

    private func change(_ body: (inout State) -> Void) {
        let watchers = state.withLock { state in
            body(&state)
            return Array(state.watchers.values)
        }
        for watcher in watchers { watcher.yield() }
    }

    private func tell(_ host: HostName, _ found: ChainProgress.Remark) {
        let isNew = state.withLock { $0.told.insert(host).inserted }
        if isNew { remark(host, found) }
    }
}
