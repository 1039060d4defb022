import ControlProtocol
import Fleet
import Settings
import Topology

/// What the steps on servers and their files send.
extension MigrationProcedure {
    /// Commands for those hosts whose file can be read and rewritten; `configuration-files` has refused all others before.
    func writeJoint(on servers: [PlannedServer]) -> [HostCommand] {
        servers.compactMap { server in
            guard let file = survey.file(of: server.host), let content = jointConfiguration.rewritten(file)
            else { return nil }
            let write = FileWrite(path: file.path, expected: file.digest, content: content)
            return HostCommand(server.host, .writeFile(write: write))
        }
    }

    func restore(_ servers: [PlannedServer]) -> [HostCommand] {
        servers.map { HostCommand($0.host, .restoreFile(restore: FileRestore(path: $0.configPath))) }
    }

    func start(_ servers: [PlannedServer]) -> [HostCommand] { servers.map { Self.service(.start, $0) } }

    func stop(_ servers: [PlannedServer]) -> [HostCommand] { servers.map { Self.service(.stop, $0) } }

    /// Restarts the next node that does not run `view` yet: one that does not serve first, then followers, the
    /// leader last.
    ///
    /// - Parameter beside: who else votes with those of that view.
    func rollNext(
        of servers: [PlannedServer],
        to view: [Member],
        as name: String,
        beside others: [PlannedServer] = []
    ) -> Act {
        .decided(
            summary: "restart the next of \(names(servers)) that does not run the \(name) view yet: "
                + "one that does not serve first, then followers, the leader last",
            by: { fleet, facts in
                if let silent = servers.lazy.compactMap({ fleet.silence($0.host) }).first {
                    return .wait(because: silent)
                }
                let pending = servers.filter { !Self.runs(view, fleet.zookeeper($0.host)) }
                if let changing = pending.first(where: { fleet.zookeeper($0.host)?.state == .changing }) {
                    return .wait(because: "\(changing.host) is being started or stopped")
                }
                let isDown = pending.contains { fleet.zookeeper($0.host)?.pid == nil }
                let idle = servers.first {
                    Self.runs(view, fleet.zookeeper($0.host)) && fleet.stats($0.host) == nil
                }
                if let idle, !isDown, others.isEmpty || !onlyRestartsHelp(fleet) {
                    return .wait(because: "\(idle.host) runs the \(name) view and does not serve yet")
                }
                let ordered = pending.sorted { Self.rank(fleet, $0) < Self.rank(fleet, $1) }
                guard let next = ordered.first else {
                    return .nothingToDo(because: "every node runs the \(name) view")
                }
                let role = fleet.stats(next.host)?.role.rawValue ?? "not serving"
                return .act(
                    [Self.restart(next, fleet)],
                    because: "\(next.host) (\(role)), \(pending.count - 1) to go",
                    noting: facts
                )
            },
            looking: Look(hosts: (servers + others).map(\.host))
        )
    }

    /// Stops all of them, as another one would only take the lead.
    var stopSeedsIfOneLeads: Act {
        .decided(
            summary: "if one of \(names(seeds)) leads the joint ensemble, stop all of them",
            by: { [seeds, firstSeeds, source] fleet, facts in
                let all = source + seeds
                guard let leader = all.first(where: { fleet.stats($0.host)?.role == .leader }) else {
                    // An earlier attempt stopped them, and the source has not elected yet.
                    let isBegun = firstSeeds.contains { fleet.zookeeper($0.host)?.state == .stopped }
                    return isBegun
                        ? .act(stop(seeds), because: "some seeds are stopped already", noting: facts)
                        : .wait(because: "no node leads")
                }
                guard seeds.contains(where: { $0.host == leader.host }) else {
                    return .nothingToDo(because: "\(leader.host) leads, a source node")
                }
                return .act(stop(seeds), because: "\(leader.host) leads, a seed", noting: facts)
            },
            looking: Look(hosts: (source + seeds).map(\.host))
        )
    }

    /// - Parameter isDivided: whether every destination node must be behind its wall.
    func startIfDown(_ servers: [PlannedServer], isDivided: Bool = false) -> Act {
        .decided(
            summary: "start those of \(names(servers)) that do not run",
            by: { fleet, facts in
                if let silent = servers.lazy.compactMap({ fleet.silence($0.host) }).first {
                    return .wait(because: silent)
                }
                let down = servers.filter { fleet.zookeeper($0.host)?.pid == nil }
                let decision: Decision =
                    down.isEmpty
                    ? .nothingToDo(because: "all of them run")
                    : .act(start(down), because: "to be started: \(names(down))", noting: facts)
                return isDivided ? behindWalls(decision, fleet, facts) : decision
            },
            looking: Look(hosts: (isDivided ? destination : servers).map(\.host))
        )
    }

    /// What the strategy promises not to touch, noted before anything is changed.
    func noteSource(then commands: [HostCommand]) -> Act {
        .decided(
            summary: "note every source node's process and file; "
                + commands.map { "\($0.host): \($0.command.summary)" }.joined(separator: "; "),
            by: { [source] fleet, facts in
                var noted = facts
                for server in source {
                    guard let zookeeper = fleet.zookeeper(server.host), let pid = zookeeper.pid else {
                        return .wait(because: fleet.silence(server.host) ?? "\(server.host) does not run")
                    }
                    guard noted.untouched[server.host.description] == nil else { continue }
                    noted.untouched[server.host.description] = RunFacts.Untouched(
                        pid: pid,
                        startedAt: zookeeper.processStartedAt,
                        digest: zookeeper.file.digest
                    )
                }
                return .act(commands, because: "the source's processes are noted", noting: noted)
            },
            looking: Look(hosts: source.map(\.host))
        )
    }

    static func runs(_ view: [Member], _ zookeeper: ZooKeeperStatus?) -> Bool {
        guard let zookeeper, zookeeper.pid != nil, let running = zookeeper.runningView else { return false }
        return Set(running) == Set(view)
    }

    /// A node that is down first, then one that does not serve, then followers, the leader last.
    private static func rank(_ fleet: FleetView, _ server: PlannedServer) -> Int {
        guard fleet.zookeeper(server.host)?.pid != nil else { return -1 }
        return switch fleet.stats(server.host)?.role {
        case nil: 0
        case .follower, .observer: 1
        case .leader, .standalone: 2
        }
    }

    static func restart(_ server: PlannedServer, _ fleet: FleetView) -> HostCommand {
        guard let pid = fleet.zookeeper(server.host)?.pid else { return service(.start, server) }
        return HostCommand(
            server.host,
            .service(request: ServiceRequest(service: server.service, action: .restart, replacing: pid))
        )
    }

    static func service(_ action: ServiceRequest.Action, _ server: PlannedServer) -> HostCommand {
        HostCommand(server.host, .service(request: ServiceRequest(service: server.service, action: action)))
    }
}
