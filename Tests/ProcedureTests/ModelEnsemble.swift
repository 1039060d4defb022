import ControlProtocol
import FoundationEssentials
import Planning
import Procedure
import Topology

/// A model of hosts that run ZooKeeper: enough of elections, walls and files to run a whole procedure against.
///
/// A node serves when it reaches a majority of the view its process started with; every rule that the real thing
/// would break silently is kept as a violation here.
struct ModelEnsemble {
    struct Host {
        let server: PlannedServer
        let original: Data
        var file: Data
        var backup: Data?
        var pid: Int32?
        var view: [Member]?
        var zxid: Zxid?
        var wall: Wall?
        var lease: LeaseState
        var starts = 0
    }

    let plan: MigrationPlan
    var hosts: [HostName: Host] = [:]
    var brokers: ModelBrokers
    /// Of hosts that have no ZooKeeper.
    var brokerLeases: [HostName: LeaseState] = [:]
    var outcomes: [CommandID: CommandOutcome] = [:]
    var violations: [String] = []
    var performed: [HostCommand] = []
    private var nextPID: Int32 = 100
    private var transactions: UInt32 = 1
    private var leaders: [HostName: HostName] = [:]
    /// An election gone wrong: this node leads whoever reaches it.
    var forcedLeader: HostName?

    init(plan: MigrationPlan) {
        self.plan = plan
        brokers = ModelBrokers(plan: plan)
        let none = LeaseState(highestEpoch: FencingEpoch(0), current: nil, holder: nil, expiresAt: nil)
        for server in plan.source + plan.destination {
            let isSource = plan.source.contains { $0.host == server.host }
            let view = isSource ? plan.sourceMembers : plan.destinationMembers
            let file = Self.file(view)
            hosts[server.host] = Host(
                server: server,
                original: file,
                file: file,
                lease: none
            )
            if isSource { start(server.host) }
        }
    }

    static func file(_ view: [Member]) -> Data {
        let lines = view.map { "server.\($0.id)=\($0.address):\($0.quorumPort):\($0.electionPort)" }
        return Data(("# kept\ntickTime=2000\ndataDir=/data\n" + lines.joined(separator: "\n") + "\n").utf8)
    }

    func isSource(_ host: HostName) -> Bool { plan.source.contains { $0.host == host } }

    /// Running processes that `host` can reach, itself included.
    func reached(by host: HostName) -> [Host] {
        hosts.values.filter { other in
            guard other.pid != nil else { return false }
            return other.server.host == host || !isCut(host, other.server.host)
        }
    }

    func isCut(_ first: HostName, _ second: HostName) -> Bool {
        [(first, second), (second, first)].contains { one, other in
            guard let wall = hosts[one]?.wall, let peer = hosts[other] else { return false }
            return peer.server.allAddresses.contains { wall.peers.contains($0) }
        }
    }

    func serves(_ name: HostName) -> Bool {
        guard let host = hosts[name], let view = host.view, host.pid != nil else { return false }
        let ids = Set(reached(by: name).map(\.server.id))
        let present = view.filter { ids.contains($0.id) }.count
        return present > view.count / 2
    }

    /// Whom a serving node follows; a leader stays until it no longer serves or cannot be reached.
    func leader(for name: HostName) -> HostName? { serves(name) ? leaders[name] : nil }

    /// To be called whenever who runs or who reaches whom has changed, before anything is committed.
    mutating func elect() {
        for name in hosts.keys {
            guard serves(name) else {
                leaders[name] = nil
                continue
            }
            let candidates = candidates(for: name)
            if let current = leaders[name], candidates.contains(where: { $0.server.host == current }) {
                continue
            }
            let following = candidates.compactMap { leaders[$0.server.host] }.first { leader in
                candidates.contains { $0.server.host == leader }
            }
            leaders[name] = following ?? best(candidates)
        }
    }

    private func candidates(for name: HostName) -> [Host] {
        guard let view = hosts[name]?.view else { return [] }
        return reached(by: name).filter { candidate in
            serves(candidate.server.host) && view.contains { $0.id == candidate.server.id }
        }
    }

    /// The freshest, then the highest id; never a seed while a source node still runs the source's own view.
    private func best(_ candidates: [Host]) -> HostName? {
        if let forcedLeader, candidates.contains(where: { $0.server.host == forcedLeader }) {
            return forcedLeader
        }
        let source = candidates.filter { isSource($0.server.host) }
        let mustBeSource = source.contains { $0.view?.count == plan.source.count }
        return (mustBeSource ? source : candidates)
            .max { ($0.zxid ?? Zxid(0), $0.server.id) < ($1.zxid ?? Zxid(0), $1.server.id) }?.server.host
    }

    mutating func start(_ name: HostName) {
        guard hosts[name]?.pid == nil else { return }
        nextPID += 1
        hosts[name]?.pid = nextPID
        hosts[name]?.starts += 1
        let view = hosts[name].flatMap { Self.members(of: $0.file) }
        hosts[name]?.view = view
        checkFreshness(starting: name)
        elect()
        commit()
    }

    mutating func stop(_ name: HostName) {
        hosts[name]?.pid = nil
        hosts[name]?.view = nil
        elect()
    }

    /// Every serving node gets one more transaction.
    mutating func commit() {
        transactions += 1
        for name in hosts.keys where serves(name) {
            hosts[name]?.zxid = Zxid(epoch: 1, counter: transactions)
        }
    }

    /// I2: an empty node may not help to form a majority that lacks the freshest destination node.
    private mutating func checkFreshness(starting name: HostName) {
        guard !isSource(name), hosts[name]?.view?.count == plan.destination.count, hosts[name]?.zxid == nil
        else { return }
        let running = reached(by: name).filter {
            !isSource($0.server.host) && $0.view?.count == plan.destination.count
        }
        let holders = hosts.values.filter { !isSource($0.server.host) && $0.zxid != nil }
        let freshest = holders.compactMap(\.zxid).max()
        let isServed = running.contains { $0.zxid != nil && serves($0.server.host) && $0.server.host != name }
        let present = running.contains { $0.zxid == freshest }
        if running.count > plan.destination.count / 2, !present, !isServed {
            violations.append("I2: \(name) started without the freshest node")
        }
    }

    static func members(of file: Data) -> [Member]? {
        do { return try ZooConfiguration(file).members } catch { return nil }
    }
}
