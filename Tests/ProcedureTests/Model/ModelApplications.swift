import ControlProtocol
import FoundationEssentials
import Procedure
import Settings
import Topology

/// A model of clients that are no brokers: a file, a process, a session that is opened at the first server of the file.
struct ModelApplications {
    struct Application {
        let planned: PlannedClient
        let original: Data
        var file: Data
        var backups: [RunID: Data] = [:]
        var pid: Int32?
        /// Does not connect, whatever it was started with.
        var isBroken = false
        var session: SessionNumber?
        /// Where it is connected besides, for instance by a program of another name on its host.
        var also: [HostName] = []
        /// Is connected, and neither its port answers nor the service runs that the plan wants to see.
        var isUnwell = false
        /// Another place than the plan says.
        var registersAt: String?
        /// The same from its next start on.
        var registersNextAt: String?
        /// That its sessions are granted.
        var timeout: Int?
    }

    let plan: MigrationPlan
    var all: [HostName: Application] = [:]
    var restarts: [HostName] = []
    var violations: [String] = []
    /// Sessions outlive their processes, with what they own, as they do until their time is over.
    var leavesSessions = false
    private var left: [ModelClient] = []
    private var nextPID: Int32 = 7000
    private var sessions: Int64 = 0x500

    init(plan: MigrationPlan) {
        self.plan = plan
        let servers = plan.source.map { "\($0.address):\($0.clientPort)" }.joined(separator: ",")
        for planned in plan.clients.all {
            let file = Data("# kept\nservers=\(servers)\(planned.tree)\n".utf8)
            all[planned.host] = Application(planned: planned, original: file, file: file)
            start(planned.host)
        }
    }

    mutating func start(_ host: HostName) {
        guard let application = all[host], application.pid == nil else { return }
        nextPID += 1
        sessions += 1
        all[host]?.pid = nextPID
        all[host]?.registersAt = application.registersNextAt ?? application.registersAt
        guard !application.isBroken, let place = server(of: application) else { return }
        all[host]?.session = SessionNumber(Int64(place.id.value) << 56 | sessions)
    }

    mutating func stop(_ host: HostName) {
        for other in all.values where other.planned.host != host && other.session == nil {
            violations.append("\(other.planned.name) was away when \(host) was stopped")
        }
        if leavesSessions, var client = all[host].flatMap(connected) {
            client.hosts = []
            left.append(client)
        }
        all[host]?.pid = nil
        all[host]?.session = nil
    }

    private func server(of application: Application) -> PlannedServer? {
        guard case .text(_, .some) = application.planned.connect else {
            let file: ClientFile
            do { file = try ClientFile(application.file, application.planned.connect) } catch { return nil }
            let first = file.connect?.servers.first?.host
            return plan.servers.first { $0.address == first }
        }
        let text = String(decoding: application.file, as: UTF8.self)
        return plan.servers.first { text.contains($0.address) }
    }

    var connected: [ModelClient] { all.values.compactMap(connected) + left }

    private func connected(_ application: Application) -> ModelClient? {
        guard let session = application.session, let address = IPAddress(application.planned.address),
            let server = plan.servers.first(where: { $0.id == session.origin })
        else { return nil }
        let place = application.registersAt ?? application.planned.ephemerals ?? "/elsewhere"
        let path = "\(place)/\(application.planned.name)"
        return ModelClient(
            address: address,
            hosts: [server.host] + application.also,
            session: session,
            paths: [path],
            timeout: application.timeout
        )
    }

    mutating func act(_ command: Command, on host: HostName, for run: RunID) -> CommandOutcome {
        switch command {
        case .installWall, .removeWall, .sever, .detach, .discardCopy, .setAside, .keepOrder,
            .removeHandMadeRules, .pilotWall:
            return .refused(refusal: .notAllowed(reason: "a client's host"))
        case .restoreFile:
            guard let backup = all[host]?.backups[run] else {
                return .refused(refusal: .invalid(reason: "no backup"))
            }
            all[host]?.file = backup
            return .done(result: .file(file: state(host)))
        case .writeFile(let write):
            let found = all[host]?.file ?? Data()
            let digest = ContentDigest.sha256(found)
            guard digest == write.expected || found == write.content else {
                return .refused(
                    refusal: .fileChanged(path: write.path, expected: write.expected, found: digest)
                )
            }
            if all[host]?.backups[run] == nil { all[host]?.backups[run] = found }
            all[host]?.file = write.content
            return .done(result: .file(file: state(host)))
        case .service(let request):
            let old = all[host]?.pid
            switch request.action {
            case .start: start(host)
            case .stop: stop(host)
            case .restart where request.replacing == nil || request.replacing == old:
                restarts.append(host)
                stop(host)
                start(host)
            case .restart: break
            }
            let report = ServiceReport(
                service: request.service,
                oldPID: old,
                newPID: all[host]?.pid,
                stopMilliseconds: 1,
                startMilliseconds: 1
            )
            return .done(result: .service(report: report))
        }
    }

    /// Whether something listens on the host's own loopback address.
    func answers(_ target: ProbeTarget, on host: HostName) -> Bool {
        guard target.address == IPAddress("127.0.0.1"), let application = all[host] else { return false }
        return application.session != nil && !application.isUnwell
            && target.port == application.planned.healthy?.port
    }

    func state(_ host: HostName) -> FileState {
        let file = all[host]?.file ?? Data()
        return FileState(
            path: all[host]?.planned.configPath ?? "",
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
        guard let application = all[host] else { return nil }
        let state: ServiceState = application.pid.map { .running(pid: $0) } ?? .stopped
        return HostStatus(
            host: host,
            agentVersion: "test",
            protocolVersion: ControlProtocolVersion.current,
            clock: clock,
            agentStartedAt: 0,
            lease: lease,
            rules: InstalledRules(backend: .nftables, wall: nil, count: 0, counters: [], listing: ""),
            zookeeper: nil,
            services: [
                NamedService(
                    name: application.planned.service,
                    state: state,
                    version: nil,
                    overrides: [:],
                    hasOwnNetwork: false
                )
            ]
                + (application.planned.healthy?.service.map { service in
                    [NamedService(name: service, state: application.isUnwell ? .stopped : .running(pid: 1))]
                } ?? []),
            files: [self.state(host)],
            reach: []
        )
    }
}
