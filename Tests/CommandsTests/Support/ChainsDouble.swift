import ControlProtocol
import Fleet
import Synchronization

/// Agents that keep chains, and files as they were, as real ones do.
final class ChainsDouble: ChainAgents {
    private struct State {
        var chains: [HostName: [ChainLink]] = [:]
        var runs: [HostName: RunID] = [:]
        var silent: Set<HostName> = []
        /// How often a host still says that it carries out a command.
        var busy: [HostName: Int] = [:]
        var isChanged = false
        var originals: [String: FileContent] = [:]
    }

    private let state = Mutex(State())

    func keep(_ links: [ChainLink], of run: RunID, on hosts: [HostName]) {
        state.withLock { state in
            for host in hosts { (state.chains[host], state.runs[host]) = (links, run) }
        }
    }

    func silence(_ hosts: Set<HostName>) { state.withLock { $0.silent = hosts } }
    func occupy(_ host: HostName, times: Int) { state.withLock { $0.busy[host] = times } }
    func keep(_ original: FileContent) { state.withLock { $0.originals[original.state.path] = original } }
    func chain(_ host: HostName) -> [ChainLink] { state.withLock { $0.chains[host] ?? [] } }
    /// How often a busy host was looked at.
    func looksLeft(_ host: HostName) -> Int { state.withLock { $0.busy[host] ?? 0 } }
    var isChanged: Bool { state.withLock { $0.isChanged } }

    func extend(_ request: ChainRequest, on host: HostName) async throws(FleetError) -> ChainState? {
        state.withLock { state in
            var chain = state.chains[host] ?? []
            if request.replacing || state.runs[host] != request.lease.runID, !request.entries.isEmpty {
                chain = []
                state.runs[host] = request.lease.runID
            }
            for link in request.entries where link.follows(chain.last?.head) {
                chain.append(link)
                state.isChanged = true
            }
            state.chains[host] = chain
            return ChainState(run: state.runs[host], head: chain.last?.head)
        }
    }

    func chain(_ request: ChainReadRequest, on host: HostName) async throws(FleetError) -> ChainPage? {
        let page = state.withLock { state -> ChainPage? in
            if state.silent.contains(host) { return nil }
            let chain = state.chains[host] ?? []
            let left = state.busy[host] ?? 0
            if request.from >= 1_000_000 { state.busy[host] = max(0, left - 1) }
            return ChainPage(
                state: ChainState(run: state.runs[host], head: chain.last?.head),
                entries: Array(chain.dropFirst(request.from).prefix(3)),
                acting: left > 0 ? CommandID("detach-1") : nil
            )
        }
        guard let page else { throw .unreachable(host: host, reason: "nobody is there") }
        return page
    }

    func original(of path: String, run: RunID, on host: HostName) async throws(FleetError) -> FileContent {
        guard let found = state.withLock({ $0.originals[path] }) else {
            throw .refused(host: host, refusal: .invalid(reason: "no original of \(path)"))
        }
        return found
    }
}
