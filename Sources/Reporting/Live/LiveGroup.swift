import ControlProtocol
import Fleet
import Settings
import Topology

/// Hosts that are alike: a side's servers, brokers, or other clients.
struct LiveGroup: Hashable, Sendable {
    enum Kind: String, Hashable, Sendable {
        case source
        case destination
        case brokers
        case clients
    }

    let kind: Kind
    let hosts: [HostName]

    /// In the order of the plan, without those that have nobody.
    static func groups(of plan: MigrationPlan) -> [LiveGroup] {
        let servers = Set(plan.servers.map(\.host))
        let brokers = Set(plan.brokers.map(\.host)).subtracting(servers)
        let others = plan.agents.map(\.host).filter { !servers.contains($0) && !brokers.contains($0) }
        return [
            LiveGroup(kind: .source, hosts: plan.source.map(\.host)),
            LiveGroup(kind: .destination, hosts: plan.destination.map(\.host)),
            LiveGroup(kind: .brokers, hosts: plan.brokers.map(\.host).filter(brokers.contains)),
            LiveGroup(kind: .clients, hosts: others),
        ].filter { !$0.hosts.isEmpty }
    }
}

/// What one host is seen to be.
struct LiveHost: Hashable, Sendable {
    /// Behind the most recent of its group, in transactions, that is worth a look.
    static let farBehind: UInt64 = 1000

    enum Condition: Hashable, Sendable {
        /// Leader, follower, observer, standalone.
        case serves(ServerStats.Role)
        case looking
        /// It runs, and does not answer.
        case mute
        case changing
        case stopped
        case failed
        /// It has no ZooKeeper, and its services run.
        case runs
        /// The agent does not answer.
        case silent(reason: String)
        /// Not looked at yet.
        case unseen

        var word: String {
            switch self {
            case .serves(let role): role.rawValue
            case .looking: "LOOKING"
            case .mute: "MUTE"
            case .changing: "changing"
            case .stopped: "stopped"
            case .failed: "FAILED"
            case .runs: "runs"
            case .silent: "NO ANSWER"
            case .unseen: "not seen"
            }
        }

        /// How it is counted with others.
        var kind: String {
            switch self {
            case .serves: "serving"
            case .looking: "looking for a leader"
            case .mute: "mute"
            case .changing: "changing"
            case .stopped: "stopped"
            case .failed: "failed"
            case .runs: "running"
            case .silent: "without an answer"
            case .unseen: "not seen"
            }
        }

        /// Nobody is like that while all is well.
        var isTrouble: Bool {
            switch self {
            case .looking, .mute, .failed, .silent: true
            case .serves, .changing, .stopped, .runs, .unseen: false
            }
        }
    }

    let name: HostName
    let condition: Condition
    let status: HostStatus?

    init(_ name: HostName, _ answer: Observation?) {
        self.name = name
        switch answer {
        case nil: (condition, status) = (.unseen, nil)
        case .silent(let reason): (condition, status) = (.silent(reason: reason), nil)
        case .status(let status):
            self.status = status
            condition = Self.condition(of: status)
        }
    }

    private static func condition(of status: HostStatus) -> Condition {
        guard let zookeeper = status.zookeeper else {
            let states = status.services.map(\.state)
            if states.contains(where: { if case .failed = $0 { true } else { false } }) { return .failed }
            if states.contains(.changing) { return .changing }
            return states.contains(.stopped) ? .stopped : .runs
        }
        switch zookeeper.state {
        case .changing: return .changing
        case .stopped: return .stopped
        case .failed: return .failed
        case .running: break
        }
        switch zookeeper.serving {
        case .yes(let stats): return .serves(stats.role)
        case .looking: return .looking
        case .unreachable: return zookeeper.serving.isSilenced ? .runs : .mute
        }
    }

    var stats: ServerStats? {
        switch status?.zookeeper?.serving {
        case .yes(let stats): stats
        case .looking, .unreachable, nil: nil
        }
    }

    var zxid: Zxid? { stats?.zxid ?? status?.zookeeper?.data.lastZxid }
    var rules: Int? { status?.rules.count }

    var service: String {
        guard let status else {
            switch condition {
            case .silent(let reason): return reason
            case .serves, .looking, .mute, .changing, .stopped, .failed, .runs, .unseen: return ""
            }
        }
        let named =
            status.zookeeper.map { [Self.word($0.state)] }
            ?? status.services.map { "\(Self.short($0.name)) \(Self.word($0.state))" }
        return named.joined(separator: ", ")
    }

    private static func short(_ service: String) -> Substring {
        service.hasSuffix(".service") ? service.dropLast(8) : service[...]
    }

    private static func word(_ state: ServiceState) -> String {
        switch state {
        case .running(let pid): "pid \(pid)"
        case .changing: "changing"
        case .stopped: "stopped"
        case .failed(let reason): "failed: \(reason)"
        }
    }
}

/// A group's hosts as they were seen last, those first that are unlike the others.
struct SeenGroup: Hashable, Sendable {
    let kind: LiveGroup.Kind
    /// In the order in which they are shown when there is no room for all.
    let hosts: [LiveHost]
    let unlike: Set<HostName>
    /// The most recent transaction of those that serve.
    let newest: Zxid?

    init(_ group: LiveGroup, _ answers: [HostName: Observation]) {
        kind = group.kind
        let seen = group.hosts.map { LiveHost($0, answers[$0]) }
        let newest = seen.compactMap { $0.stats?.zxid }.max()
        let usual = Self.mostFrequent(seen.map(\.condition.kind))
        let rules = Self.mostFrequent(seen.compactMap(\.rules))
        let unlike = Set(
            seen.filter { host in
                if host.condition.isTrouble || host.condition.kind != usual { return true }
                if let found = host.rules, found != rules { return true }
                return Self.lag(of: host, behind: newest).isFar
            }.map(\.name)
        )
        hosts = seen.filter { unlike.contains($0.name) } + seen.filter { !unlike.contains($0.name) }
        (self.newest, self.unlike) = (newest, unlike)
    }

    /// How many sessions its leader counts; nil where none leads, or it does not say.
    var sessions: Int? {
        hosts.first { $0.condition == .serves(.leader) }?.stats?.sessions
    }

    /// Whether servers of it follow a leader that is none of them.
    var followsAnother: Bool {
        let roles = hosts.compactMap(\.stats?.role)
        return !roles.contains(.leader) && (roles.contains(.follower) || roles.contains(.observer))
    }

    /// In the order of the plan.
    func inOrder(of group: LiveGroup) -> [LiveHost] {
        group.hosts.compactMap { name in hosts.first { $0.name == name } }
    }

    enum Lag: Hashable, Sendable {
        case unknown
        case behind(UInt64)
        /// Its last transaction is of an earlier epoch.
        case earlierEpoch

        var isFar: Bool {
            switch self {
            case .unknown, .earlierEpoch: false
            case .behind(let count): count > LiveHost.farBehind
            }
        }

        var word: String {
            switch self {
            case .unknown: "-"
            case .behind(let count): "\(count)"
            case .earlierEpoch: "epoch"
            }
        }
    }

    func lag(of host: LiveHost) -> Lag { Self.lag(of: host, behind: newest) }

    private static func lag(of host: LiveHost, behind newest: Zxid?) -> Lag {
        guard let newest, let own = host.zxid else { return .unknown }
        guard own.epoch >= newest.epoch else { return .earlierEpoch }
        return .behind(newest.value > own.value ? newest.value - own.value : 0)
    }

    /// The first of those that are there most often.
    private static func mostFrequent<Value: Hashable>(_ values: [Value]) -> Value? {
        let counts = Dictionary(grouping: values) { $0 }.mapValues(\.count)
        let most = counts.values.max()
        return values.first { counts[$0] == most }
    }
}
