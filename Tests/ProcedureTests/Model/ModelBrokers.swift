import ControlProtocol
import FoundationEssentials
import KafkaMetadata
import Procedure
import Settings
import Topology

/// A model of a Kafka cluster over the model ensemble: registrations, sessions, a controller, replicas that catch up.
struct ModelBrokers {
    struct Broker {
        let planned: PlannedBroker
        let original: Data
        var file: Data
        /// What each run found when it first wrote.
        var backups: [RunID: Data] = [:]
        var pid: Int32?
        /// Looks until it registers; it never does while `isBroken`.
        var registersIn = 0
        /// Looks from its registration until its replicas are in sync.
        var catchesUpIn = 0
        var isBroken = false
        var session: SessionNumber?
        var czxid: Zxid?
        var starts = 0

        var isInSync: Bool { czxid != nil && catchesUpIn == 0 }
    }

    let plan: MigrationPlan
    var brokers: [HostName: Broker] = [:]
    var controller: BrokerID?
    var metas: [HostName: Data] = [:]
    var clusterID: String? = "cluster-a"
    var violations: [String] = []
    /// The order in which brokers were restarted, and who was the controller then.
    var restarts: [(id: BrokerID, wasController: Bool)] = []
    /// Nodes that a test puts there, or nil to take one away.
    var overrides: [String: Znode?] = [:]
    var isUnreadable = false
    /// Of Kafka, where it is another than what all run; nil where it does not show.
    var versions: [HostName: ServerVersion?] = [:]
    /// Hosts whose agents' configurations do not name the broker's service.
    var hiddenServices: Set<HostName> = []
    /// What a broker's command line sets.
    var commandLines: [HostName: [String: String]] = [:]
    /// Files that brokers were started with, where they are not the plan's.
    var files: [HostName: String] = [:]
    /// Brokers in a network of their own.
    var contained: Set<HostName> = []
    private var transactions: UInt32 = 1000
    private var nextPID: Int32 = 9000

    init(plan: MigrationPlan) {
        self.plan = plan
        guard let kafka = plan.kafka else { return }
        let servers = plan.source.map { "\($0.address):\($0.clientPort)" }.joined(separator: ",")
        for planned in kafka.brokers {
            let file = Data(
                "# kept\nbroker.id=\(planned.id)\nlog.dirs=/k\nzookeeper.connect=\(servers)\(kafka.chroot)\n"
                    .utf8
            )
            brokers[planned.host] = Broker(planned: planned, original: file, file: file)
            metas[planned.host] = Data("version=0\nbroker.id=\(planned.id)\ncluster.id=cluster-a\n".utf8)
            start(planned.host)
        }
        for _ in 0..<30 { pass() }
        controller = kafka.brokers.first?.id
    }

    mutating func start(_ host: HostName) {
        guard brokers[host]?.pid == nil else { return }
        nextPID += 1
        brokers[host]?.pid = nextPID
        brokers[host]?.starts += 1
        brokers[host]?.registersIn = 2
        brokers[host]?.catchesUpIn = 20
    }

    /// A clean stop: its session is closed, so that its nodes go at once.
    mutating func stop(_ host: HostName) {
        guard let broker = brokers[host], broker.pid != nil else { return }
        if brokers.values.contains(where: { $0.planned.host != host && !$0.isInSync }) {
            violations.append("\(broker.planned.name) stopped while another was not in sync")
        }
        brokers[host]?.pid = nil
        brokers[host]?.session = nil
        brokers[host]?.czxid = nil
        if controller == broker.planned.id { controller = nil }
    }

    mutating func restarted(_ host: HostName) {
        guard let broker = brokers[host] else { return }
        restarts.append((broker.planned.id, controller == broker.planned.id))
    }

    /// One look's time passes.
    mutating func pass() {
        for host in brokers.keys.sorted() {
            guard var broker = brokers[host], broker.pid != nil, !broker.isBroken else { continue }
            if broker.czxid != nil {
                broker.catchesUpIn = max(0, broker.catchesUpIn - 1)
            } else if broker.registersIn > 0 {
                broker.registersIn -= 1
            } else {
                transactions += 1
                broker.czxid = Zxid(epoch: 1, counter: transactions)
                broker.session = session(of: broker)
            }
            brokers[host] = broker
        }
        if controller == nil {
            controller = brokers.values.filter { $0.czxid != nil }.map(\.planned.id).min()
        }
    }

    /// Loses its session and gets another one at once.
    mutating func loseSession(_ host: HostName) {
        transactions += 1
        let czxid = Zxid(epoch: 2, counter: transactions)
        guard let broker = brokers[host] else { return }
        let new = session(of: broker)
        brokers[host]?.czxid = czxid
        brokers[host]?.session = new
    }

    /// Opened at the first server of its file.
    private func session(of broker: Broker) -> SessionNumber? {
        let properties: ServerProperties
        do { properties = try ServerProperties(broker.file) } catch { return nil }
        let first = properties.zookeeperConnect.servers.first?.host
        guard let server = plan.servers.first(where: { $0.address == first }) else { return nil }
        return SessionNumber(Int64(server.id.value) << 56 | Int64(transactions))
    }

    func cluster() throws(KafkaTreeError) -> KafkaCluster {
        var tree = KafkaTree()
        let all = brokers.values.sorted { $0.planned.id < $1.planned.id }
        for broker in all {
            guard let czxid = broker.czxid else { continue }
            tree.nodes["/brokers/ids/\(broker.planned.id)"] = Znode(
                data: Data(#"{"version":1,"host":"\#(broker.planned.address)","port":9092}"#.utf8),
                czxid: czxid,
                ephemeralOwner: broker.session
            )
        }
        let ids = all.map(\.planned.id.description).joined(separator: ",")
        let isr = all.filter(\.isInSync).map(\.planned.id.description).joined(separator: ",")
        put(#"{"version":1,"partitions":{"0":[\#(ids)]}}"#, at: "/brokers/topics/t", in: &tree)
        put(
            #"{"controller_epoch":1,"leader":1,"version":1,"leader_epoch":0,"isr":[\#(isr)]}"#,
            at: "/brokers/topics/t/partitions/0/state",
            in: &tree
        )
        if let clusterID { put(#"{"version":"1","id":"\#(clusterID)"}"#, at: "/cluster/id", in: &tree) }
        if let controller {
            let owner = brokers.values.first { $0.planned.id == controller }?.session
            tree.nodes["/controller"] = Znode(
                data: Data(#"{"version":1,"brokerid":\#(controller),"timestamp":"1"}"#.utf8),
                czxid: Zxid(1),
                ephemeralOwner: owner
            )
        }
        for (path, node) in overrides { tree.nodes[path] = node }
        return try KafkaCluster(tree)
    }

    private func put(_ json: String, at path: String, in tree: inout KafkaTree) {
        tree.nodes[path] = Znode(data: Data(json.utf8), czxid: Zxid(1), ephemeralOwner: nil)
    }
}

/// What the model's agents on brokers' hosts do and say.
extension ModelBrokers {
    mutating func act(_ command: Command, on host: HostName, for run: RunID) -> CommandOutcome {
        switch command {
        case .installWall, .removeWall, .sever, .detach, .discardCopy, .setAside, .keepOrder,
            .removeHandMadeRules:
            return .refused(refusal: .notAllowed(reason: "a broker's host"))
        case .pilotWall: return .refused(refusal: .invalid(reason: "not modelled"))
        case .restoreFile:
            guard let backup = brokers[host]?.backups[run] else {
                return .refused(refusal: .invalid(reason: "no backup"))
            }
            brokers[host]?.file = backup
            return .done(result: .file(file: fileState(host)))
        case .writeFile(let write):
            let digest = ContentDigest.sha256(brokers[host]?.file ?? Data())
            guard digest == write.expected || brokers[host]?.file == write.content else {
                return .refused(
                    refusal: .fileChanged(path: write.path, expected: write.expected, found: digest)
                )
            }
            let found = brokers[host]?.file
            if brokers[host]?.backups[run] == nil { brokers[host]?.backups[run] = found }
            brokers[host]?.file = write.content
            return .done(result: .file(file: fileState(host)))
        case .service(let request):
            let old = brokers[host]?.pid
            switch request.action {
            case .start: start(host)
            case .stop: stop(host)
            case .restart where request.replacing == nil || request.replacing == old:
                restarted(host)
                stop(host)
                start(host)
            case .restart: break
            }
            let report = ServiceReport(
                service: request.service,
                oldPID: old,
                newPID: brokers[host]?.pid,
                stopMilliseconds: 1,
                startMilliseconds: 1
            )
            return .done(result: .service(report: report))
        }
    }

    func fileState(_ host: HostName) -> FileState {
        let file = brokers[host]?.file ?? Data()
        return FileState(
            path: brokers[host]?.planned.configPath ?? "",
            digest: ContentDigest.sha256(file),
            size: file.count,
            mode: 0o644,
            owner: 0,
            group: 0,
            symlinkTarget: nil,
            changedAt: nil
        )
    }

    func status(_ host: HostName, lease: LeaseState, clock: Int64) -> HostStatus? {
        guard let broker = brokers[host] else { return nil }
        let state: ServiceState = broker.pid.map { .running(pid: $0) } ?? .stopped
        return HostStatus(
            host: host,
            agentVersion: "test",
            protocolVersion: ControlProtocolVersion.current,
            clock: clock,
            agentStartedAt: 0,
            lease: lease,
            rules: InstalledRules(backend: .nftables, wall: nil, count: 0, counters: [], listing: ""),
            zookeeper: nil,
            services: hiddenServices.contains(host)
                ? []
                : [
                    NamedService(
                        name: broker.planned.service,
                        state: state,
                        version: versions[host] ?? ServerVersion(3, 4, 1),
                        overrides: commandLines[host] ?? [:],
                        hasOwnNetwork: contained.contains(host),
                        configPath: files[host] ?? broker.planned.configPath
                    )
                ],
            files: [fileState(host)],
            reach: []
        )
    }
}
