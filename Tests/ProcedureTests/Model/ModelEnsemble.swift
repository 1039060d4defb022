import ControlProtocol
import Fleet
import FoundationEssentials
import Procedure
import Settings
import Topology

/// A model of hosts that run ZooKeeper: enough of elections, walls, files and disks to run a whole procedure against.
///
/// A node serves when it leads or follows, as `elect` decides by the views that processes started with. What it has in memory is
/// on its disk some looks later; what it has acknowledged to clients is kept apart. Every rule that the real
/// thing would break silently is kept as a violation here.
struct ModelEnsemble {
    struct Host {
        let server: PlannedServer
        let original: Data
        var file: Data {
            didSet { text = Text(file) }
        }
        /// What is asked of the file at every look.
        private(set) var text: Text
        /// What each run found when it first wrote.
        var backups: [RunID: Data] = [:]
        var pid: Int32?
        var view: [Member]?
        /// In memory of the running process.
        var memory: Zxid?
        /// What a restart would find.
        var disk: Zxid?
        var epoch: Int64 = 1
        var acceptedEpoch: Int64 = 1
        /// Commits that the disk is behind the memory.
        var lag = 0
        var pending: [Zxid] = []
        var wall: Wall?
        var order: ModelOrder?
        var lease: LeaseState
        var starts = 0
        /// Starts that come to nothing.
        var failingStarts = 0
        var startedAt: Int64 = 0
        /// Hosts that its kernel believes it is connected to, though they have forgotten the connection.
        var halfOpen: Set<HostName> = []
        /// Serves, and gets nothing new from its leader.
        var isBehind = false
        /// Never says that it serves: its election does not come to an end.
        var isStalled = false
        var javaProperties: [String: String] = [:]

        init(server: PlannedServer, file: Data, lease: LeaseState) {
            self.server = server
            self.file = file
            self.lease = lease
            original = file
            text = Text(file)
        }
    }

    struct Text {
        let digest: String
        let view: [Member]?

        init(_ file: Data) {
            digest = ContentDigest.sha256(file)
            view = ModelEnsemble.members(of: file)
        }
    }

    let plan: MigrationPlan
    var hosts: [HostName: Host] = [:]
    var brokers: ModelBrokers
    /// Of hosts that have no ZooKeeper.
    var brokerLeases: [HostName: LeaseState] = [:]
    var outcomes: [CommandID: CommandOutcome] = [:]
    var violations: [String] = []
    var performed: [HostCommand] = []
    /// The last transaction that a client was told of by a destination node that did not run its own view yet.
    var acknowledged: Zxid?
    private var nextPID: Int32 = 100
    private var transactions: UInt32 = 1
    /// Whom each serving node follows, itself if it leads.
    var leaders: [HostName: HostName] = [:]
    /// An election gone wrong: this node leads whoever reaches it.
    var forcedLeader: HostName?
    /// Its agent says that its history ends at the beginning.
    var liar: HostName?
    /// Hosts whose rules went with their kernel, and not by any command.
    var rebooted: Set<HostName> = []
    /// Canaries written on one side are seen on the other.
    var isMixed = false
    /// Packets that a host's wall has counted, by chain.
    var counted: [HostName: [String: UInt64]] = [:]
    /// Milliseconds; goes on with every look.
    var clock: Int64 = 0
    var ownCredentials: CredentialExpiry?
    var oddities: [HostName: ModelOddities] = [:]
    var applications: ModelApplications
    /// Clients that the plan does not know.
    var strangers: [ModelClient] = []
    /// Servers that tell which session is at which address.
    var tellsSessions = false
    /// Why nobody can read who owns nodes.
    var unreadable: String?
    /// Writes into what has moved, on the source.
    var wrongSide: [WritesReport.Write] = []
    /// Hosts whose agents know nothing of clients.
    var oldAgents: Set<HostName> = []
    /// Walls look as they should, to agents and to probes, and hold nothing off.
    var areWallsHollow = false
    /// Nobody may write a canary.
    var isReadOnly = false

    init(plan: MigrationPlan) {
        self.plan = plan
        brokers = ModelBrokers(plan: plan)
        applications = ModelApplications(plan: plan)
        let none = LeaseState(highestEpoch: FencingEpoch(0), current: nil, holder: nil, expiresAt: nil)
        for server in plan.source + plan.destination {
            let isSource = plan.source.contains { $0.host == server.host }
            let view = isSource ? plan.sourceMembers : plan.destinationMembers
            hosts[server.host] = Host(server: server, file: Self.file(view), lease: none)
            if isSource { start(server.host) }
        }
    }

    static func file(_ view: [Member]) -> Data {
        let lines = view.map { "server.\($0.id)=\($0.address):\($0.quorumPort):\($0.electionPort)" }
        let settings = "# kept\ntickTime=2000\ndataDir=/data\ninitLimit=5\nsyncLimit=2\nclientPort=2181\n"
        return Data((settings + lines.joined(separator: "\n") + "\n").utf8)
    }

    func isSource(_ host: HostName) -> Bool { plan.source.contains { $0.host == host } }

    /// Running processes that `host` can reach, itself included.
    func reached(by host: HostName) -> [Host] {
        hosts.values.filter { other in
            guard other.pid != nil, !other.isStalled || other.server.host == host else { return false }
            return other.server.host == host || areWallsHollow || !isCut(host, other.server.host)
        }
    }

    func isCut(_ first: HostName, _ second: HostName) -> Bool {
        [(first, second), (second, first)].contains { one, other in
            guard let wall = hosts[one]?.wall, let peer = hosts[other] else { return false }
            return peer.server.allAddresses.contains { wall.peers.contains($0) }
        }
    }

    /// A node takes its leader's history; the first leader of the destination must hold everything acknowledged (I2).
    mutating func follow(_ leader: HostName, _ name: HostName) {
        guard let host = hosts[leader], isOwnView(name), !isSource(name) else { return }
        if leader == name, host.epoch < 2, let acknowledged, (host.memory ?? Zxid(0)) < acknowledged {
            violations.append(
                "I2: \(name) leads from \(host.memory ?? Zxid(0)), \(acknowledged) was acknowledged"
            )
        }
        let memory = host.memory
        hosts[name]?.memory = memory
        hosts[name]?.disk = memory
        hosts[name]?.pending = []
        hosts[name]?.epoch = 2
        hosts[name]?.acceptedEpoch = 2
    }

    func isOwnView(_ name: HostName) -> Bool {
        let own = isSource(name) ? plan.sourceMembers : plan.destinationMembers
        return hosts[name]?.view.map(Set.init) == Set(own)
    }

    mutating func start(_ name: HostName) {
        guard hosts[name]?.pid == nil else { return }
        hosts[name]?.starts += 1
        if let failing = hosts[name]?.failingStarts, failing > 0 {
            hosts[name]?.failingStarts = failing - 1
            return
        }
        nextPID += 1
        hosts[name]?.pid = nextPID
        hosts[name]?.startedAt = clock
        hosts[name]?.isStalled = false
        let view = hosts[name]?.text.view
        hosts[name]?.view = view
        let disk = hosts[name]?.disk
        hosts[name]?.memory = disk
        checkOrder(starting: name)
        checkMajorities(starting: name)
        elect()
        commit()
    }

    /// I2: without a leader, fewer nodes than a majority may run that lack the freshest history.
    private mutating func checkOrder(starting name: HostName) {
        guard !isSource(name), isOwnView(name) else { return }
        let nodes = plan.destination.compactMap { hosts[$0.host] }
        let running = nodes.filter { $0.pid != nil && isOwnView($0.server.host) }
        guard !running.contains(where: { leaders[$0.server.host] != nil }),
            let freshest = nodes.compactMap(\.disk).max()
        else { return }
        let behind = running.filter { $0.disk != freshest }
        if behind.count >= Ensemble.majority(of: nodes.count) {
            violations.append(
                "I2: \(behind.map(\.server.host)) could elect a leader without the freshest node"
            )
        }
    }

    /// I1: whatever is cut off or restarted next, no majority of the source and no joint majority may be without a node in common.
    private mutating func checkMajorities(starting name: HostName) {
        guard plan.strategy == .participants else { return }
        let joint = Set(plan.jointMembers)
        let running = hosts.values.filter { $0.pid != nil && $0.wall == nil }
        let source = running.filter { isSource($0.server.host) }
        let seeds = running.count { !isSource($0.server.host) && $0.view.map(Set.init) == joint }
        let spare = source.count - Ensemble.majority(of: plan.source.count)
        // Seeds alone are none, and no node follows one that its view lacks.
        let views = Set(source.map { isOwnView($0.server.host) })
        guard views.count == 2, spare >= 0,
            spare + seeds >= Ensemble.majority(of: joint.count)
        else { return }
        violations.append("I1: once \(name) runs, two majorities without a node in common could come about")
    }

    /// However a process ends, what was in its memory only is gone.
    mutating func stop(_ name: HostName) {
        hosts[name]?.pid = nil
        hosts[name]?.view = nil
        hosts[name]?.memory = nil
        hosts[name]?.pending = []
        elect()
    }

    /// Every serving node gets one more transaction; destination nodes tell their clients of it.
    mutating func commit() {
        elect()
        checkLeaders()
        transactions += 1
        for name in hosts.keys where serves(name) && hosts[name]?.isBehind == false {
            let zxid = Zxid(epoch: UInt32(hosts[name]?.epoch ?? 1), counter: transactions)
            hosts[name]?.memory = zxid
            hosts[name]?.pending.append(zxid)
            flush(name, keeping: hosts[name]?.lag ?? 0)
            if !isSource(name), !isOwnView(name) { acknowledged = max(acknowledged ?? zxid, zxid) }
            checkSides(of: name)
        }
        clock += 100
    }

    /// I1: beside a leader with the source's view or the joint one there is none but the destination's own.
    private mutating func checkLeaders() {
        let leading = Set(leaders.values).filter { isSource($0) || !isOwnView($0) }
        guard leading.count > 1 else { return }
        violations.append("I1: \(leading.sorted()) lead, all at once")
    }

    /// I1: from the split on nobody follows a leader of the other side, and no connection passes a wall that is said to stand.
    private mutating func checkSides(of name: HostName) {
        if !isSource(name), isOwnView(name), hosts[name]?.wall != nil, let id = hosts[name]?.server.id {
            for other in reached(by: name) where other.view?.contains(where: { $0.id == id }) == true {
                guard isSource(other.server.host) else { continue }
                violations.append("I1: \(other.server.host) is connected to \(name)")
            }
        }
        guard let leader = leaders[name], isSource(name) != isSource(leader) else { return }
        if isSource(leader) ? isOwnView(name) : isOwnView(leader) {
            violations.append("I1: \(name) follows \(leader)")
        }
    }

    private mutating func flush(_ name: HostName, keeping lag: Int) {
        guard let pending = hosts[name]?.pending, pending.count > lag else { return }
        hosts[name]?.disk = pending[pending.count - lag - 1]
        hosts[name]?.pending = Array(pending.suffix(lag))
    }

    /// What the real command does: no client hears of anything later, the disk catches up, the process ends.
    mutating func detach(_ name: HostName, behind wall: Wall) -> DetachReport.Proof {
        guard let pid = hosts[name]?.pid, let memory = hosts[name]?.memory else {
            hosts[name]?.wall = wall
            return .unknown(reason: "it was found stopped")
        }
        let proof: DetachReport.Proof = serves(name) ? .held(memory: memory) : .idle
        hosts[name]?.wall = wall
        flush(name, keeping: 0)
        _ = pid
        stop(name)
        return proof
    }

    static func members(of file: Data) -> [Member]? {
        do { return try ZooConfiguration(file).members } catch { return nil }
    }
}
