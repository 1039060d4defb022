package import ControlProtocol

/// What becomes of every host of a cleaning: event in, actions out.
///
/// Each host is judged by itself. It waits for the hosts that its rules cut off to be seen, and for nobody else.
///
/// | state | event | next |
/// |---|---|---|
/// | looking | seen, nothing there | ended: clean |
/// | looking | seen, its walled peers too | cleaning, or ended: refused |
/// | looking | seen, a walled peer is not | awaiting that peer |
/// | looking, awaiting | no answer, also of one walled peer among others | pausing, then looking again while patience lasts; else ended: unreachable or refused |
/// | cleaning | read back as clean | ended: clean |
/// | cleaning | failed | ended: failed; pausing when it is to be kept at |
/// | pausing | the pause is over | looking |
/// | any but cleaning | stop | ended: stopped |
package struct CleaningBoard: Sendable {
    package enum Outcome: Hashable, Sendable {
        /// By what its kernel held afterwards.
        case clean(removed: Int)
        /// Nothing was changed.
        case refused(reason: String)
        case unreachable(reason: String)
        case failed(reason: String)
        /// It was given up before anything was known for certain.
        case stopped(reason: String)
    }

    package enum Action: Hashable, Sendable {
        case look(HostName)
        /// - Parameter facts: what was seen of it just now.
        case clean(HostName, facts: RulesFacts, attempt: Int)
        case pause(HostName, Duration)
        /// - Parameter forced: what spoke against it, and was overridden.
        case end(HostName, Outcome, forced: String?)
        /// It will be tried again.
        case hindered(HostName, reason: String)
    }

    package enum Event: Hashable, Sendable {
        case looked(HostName, RulesLook)
        case cleaned(HostName, Outcome)
        case pauseOver(HostName)
        case stop
    }

    /// How long hosts out of reach are tried again.
    package struct Patience: Hashable, Sendable {
        /// Nil: until it is proven clean or refused.
        package let total: Duration?
        package let longestPause: Duration

        package static let once = Patience(total: .seconds(20), longestPause: .seconds(4))
        package static let untilClean = Patience(total: nil, longestPause: .seconds(60))
    }

    private enum State {
        case looking
        case awaiting(Set<HostName>)
        case cleaning
        case pausing
        case ended(Outcome)
    }

    private struct Progress {
        var state = State.looking
        var attempts = 0
        var hinderedSince: Duration?
        var hindrance: String?
        var forced: String?
    }

    private struct Seen {
        let look: RulesLook
        let at: Duration
    }

    /// What is older is looked at again before anything rests on it.
    private static let freshness = Duration.seconds(60)
    private static let silenceFreshness = Duration.seconds(1)
    private static let firstPause = Duration.milliseconds(500)

    private let grounds: CleaningGrounds
    private let force: Bool
    private let patience: Patience
    /// 0 ..< 1, anew each time: hosts that went together do not come back together.
    private let jitter: @Sendable () -> Double
    /// In the order in which they were given.
    package let hosts: [HostName]
    private var progress: [HostName: Progress]
    private var seen: [HostName: Seen] = [:]
    private var underWay: Set<HostName> = []
    /// Who waits for a host to be seen.
    private var waiting: [HostName: Set<HostName>] = [:]
    private var isStopping = false
    private var left: Int

    package init(
        hosts: [HostName],
        grounds: CleaningGrounds,
        force: Bool,
        patience: Patience,
        jitter: @escaping @Sendable () -> Double
    ) {
        self.hosts = hosts
        self.grounds = grounds
        self.force = force
        self.patience = patience
        self.jitter = jitter
        progress = Dictionary(hosts.map { ($0, Progress()) }) { first, _ in first }
        left = progress.count
    }

    package var isDone: Bool { left == 0 }

    /// Of those that have ended.
    package var outcomes: [HostName: Outcome] {
        progress.compactMapValues { entry in
            if case .ended(let outcome) = entry.state { outcome } else { nil }
        }
    }

    /// Whether nobody needs the connection to it any more.
    package func isSettled(_ host: HostName) -> Bool {
        if underWay.contains(host) { return false }
        guard case .ended? = progress[host]?.state else { return progress[host] == nil }
        return true
    }

    package mutating func begin() -> [Action] { hosts.flatMap { look(at: $0) } }

    package mutating func handle(_ event: Event, at now: Duration) -> [Action] {
        switch event {
        case .looked(let host, let look):
            underWay.remove(host)
            seen[host] = Seen(look: look, at: now)
            var actions: [Action] = []
            if case .looking? = progress[host]?.state { actions += judge(host, now) }
            for other in (waiting.removeValue(forKey: host) ?? []).sorted() {
                guard case .awaiting(let peers)? = progress[other]?.state else { continue }
                if case .silent = look { note(other, hinderedAt: now) }
                let rest = peers.subtracting([host])
                progress[other]?.state = .awaiting(rest)
                if rest.isEmpty { actions += judge(other, now) }
            }
            return actions
        case .cleaned(let host, let outcome):
            switch outcome {
            case .clean, .refused, .stopped: return end(host, outcome)
            case .unreachable, .failed: return hinder(host, outcome, now)
            }
        case .pauseOver(let host):
            guard case .pausing? = progress[host]?.state else { return [] }
            progress[host]?.state = .looking
            return look(at: host)
        case .stop:
            isStopping = true
            return hosts.flatMap { host -> [Action] in
                switch progress[host]?.state {
                case .looking, .awaiting, .pausing: end(host, stopped(host))
                case .cleaning, .ended, nil: []
                }
            }
        }
    }

    private mutating func look(at host: HostName) -> [Action] {
        underWay.insert(host).inserted ? [.look(host)] : []
    }

    private mutating func judge(_ host: HostName, _ now: Duration) -> [Action] {
        let facts: RulesFacts
        switch seen[host]?.look {
        case .seen(let found): facts = found
        case .silent(let reason): return hinder(host, .unreachable(reason: reason), now)
        case nil: return look(at: host)
        }
        if let at = seen[host]?.at, now - at >= Self.freshness {
            progress[host]?.state = .looking
            return look(at: host)
        }
        if facts.isClear { return end(host, .clean(removed: 0)) }
        let verdict = grounds.verdict(on: host, facts) { peer in
            seen[peer].flatMap { found in
                switch found.look {
                case .seen: now - found.at < Self.freshness ? found.look : nil
                case .silent: now - found.at < Self.silenceFreshness ? found.look : nil
                }
            }
        }
        switch verdict {
        case .allowed: return clean(host, facts, forced: nil)
        case .refused(let reason):
            return force ? clean(host, facts, forced: reason) : end(host, .refused(reason: reason))
        case .hidden(let reason):
            return force ? clean(host, facts, forced: reason) : hinder(host, .refused(reason: reason), now)
        case .needs(let peers):
            if force { return clean(host, facts, forced: nil) }
            if isOutOfPatience(host, now) {
                let reason = progress[host]?.hindrance ?? "not all hosts that its rules cut off have answered"
                return end(host, .refused(reason: reason))
            }
            progress[host]?.state = .awaiting(Set(peers))
            var actions: [Action] = []
            for peer in peers {
                waiting[peer, default: []].insert(host)
                actions += look(at: peer)
            }
            return actions
        }
    }

    private mutating func clean(_ host: HostName, _ facts: RulesFacts, forced: String?) -> [Action] {
        let attempt = (progress[host]?.attempts ?? 0) + 1
        progress[host]?.attempts = attempt
        progress[host]?.forced = forced
        progress[host]?.state = .cleaning
        return [.clean(host, facts: facts, attempt: attempt)]
    }

    /// Tried again while patience lasts.
    private mutating func hinder(_ host: HostName, _ outcome: Outcome, _ now: Duration) -> [Action] {
        let reason = outcome.reason
        let isFirst = progress[host]?.hindrance != reason
        note(host, hinderedAt: now)
        progress[host]?.hindrance = reason
        if isStopping { return end(host, stopped(host)) }
        if patience.total != nil, case .failed = outcome { return end(host, outcome) }
        if isOutOfPatience(host, now) { return end(host, outcome) }
        let tries = (progress[host]?.attempts ?? 0) + 1
        progress[host]?.attempts = tries
        progress[host]?.state = .pausing
        let pause: [Action] = [.pause(host, self.pause(after: tries))]
        return isFirst ? [.hindered(host, reason: reason)] + pause : pause
    }

    /// The first time counts.
    private mutating func note(_ host: HostName, hinderedAt now: Duration) {
        let since = progress[host]?.hinderedSince ?? now
        progress[host]?.hinderedSince = since
    }

    /// Counted from when something stood in its way first, a peer's silence too.
    private func isOutOfPatience(_ host: HostName, _ now: Duration) -> Bool {
        guard let total = patience.total, let since = progress[host]?.hinderedSince else { return false }
        return now - since >= total
    }

    /// Doubled each time up to the longest, and between a half and the whole of that.
    private func pause(after tries: Int) -> Duration {
        let doubled = Self.firstPause * (1 << min(tries - 1, 16))
        return min(doubled, patience.longestPause) * (0.5 + jitter() / 2)
    }

    private func stopped(_ host: HostName) -> Outcome {
        .stopped(reason: progress[host]?.hindrance ?? "stopped before it was judged")
    }

    private mutating func end(_ host: HostName, _ outcome: Outcome) -> [Action] {
        guard let entry = progress[host] else { return [] }
        progress[host]?.state = .ended(outcome)
        left -= 1
        return [.end(host, outcome, forced: entry.forced)]
    }
}

extension CleaningBoard.Outcome {
    /// Empty for a clean host.
    package var reason: String {
        switch self {
        case .clean: ""
        case .refused(let reason), .unreachable(let reason), .failed(let reason), .stopped(let reason): reason
        }
    }
}
