import ControlProtocol
import FoundationEssentials
import Planning
import Topology

/// What the steps of the participants strategy send.
extension ParticipantsProcedure {
    var source: [PlannedServer] { plan.source }
    var destination: [PlannedServer] { plan.destination }
    var seeds: [PlannedServer] { plan.seeds }
    var companions: [PlannedServer] { plan.companions }
    var dormant: [PlannedServer] { plan.dormant }
    var joint: [Member] { plan.jointMembers }
    var sourceView: [Member] { plan.sourceMembers }
    var destinationView: [Member] { plan.destinationMembers }

    var seedConnectString: String {
        seeds.map { ConnectString.Server(host: $0.address, port: $0.clientPort).description }
            .joined(separator: ",")
    }

    func names(_ servers: [PlannedServer]) -> String {
        servers.isEmpty ? "none" : servers.map(\.host.description).joined(separator: ", ")
    }

    /// The file of a host with the joint ensemble's server lines, everything else byte for byte.
    func jointContent(of file: Survey.File) throws(ZooConfigurationError) -> Data {
        Data(try ZooConfiguration(file.content).replacingMembers(joint).content)
    }

    /// Commands for those hosts whose file can be read; `filesSuit` has refused all others before.
    func writeJoint(on servers: [PlannedServer]) -> [HostCommand] {
        servers.compactMap { server in
            guard let file = survey.file(of: server.host), case .success(let content) = rewritten(file) else {
                return nil
            }
            let write = FileWrite(path: file.path, expected: file.digest, content: content)
            return HostCommand(server.host, .writeFile(write: write))
        }
    }

    func rewritten(_ file: Survey.File) -> Result<Data, ZooConfigurationError> {
        do throws(ZooConfigurationError) {
            return .success(try jointContent(of: file))
        } catch {
            return .failure(error)
        }
    }

    func restore(_ servers: [PlannedServer]) -> [HostCommand] {
        servers.map { HostCommand($0.host, .restoreFile(restore: FileRestore(path: $0.configPath))) }
    }

    func start(_ servers: [PlannedServer]) -> [HostCommand] { servers.map { service(.start, $0) } }

    func stop(_ servers: [PlannedServer]) -> [HostCommand] { servers.map { service(.stop, $0) } }

    var raiseWalls: [HostCommand] {
        destination.map { HostCommand($0.host, .installWall(wall: plan.wall(for: $0))) }
    }

    var removeWalls: [HostCommand] { destination.map { HostCommand($0.host, .removeWall) } }

    /// Restarts the next node that does not run `view` yet: one that does not serve first, then followers, the
    /// leader last.
    func rollNext(of servers: [PlannedServer], to view: [Member], as name: String) -> Act {
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
                if let idle, !isDown {
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
            hosts: servers.map(\.host)
        )
    }

    /// Restarts the seeds and starts their companions, all at once.
    ///
    /// Together they are the smallest destination majority, so that the first quorum holds every seed, and with
    /// them the freshest history (I2).
    var restartSeeds: Act {
        .decided(
            summary: "restart \(names(seeds))"
                + (companions.isEmpty ? "" : " and start \(names(companions))") + ", all at once",
            by: { [seeds, companions, destinationView] fleet, facts in
                var facts = facts
                for seed in seeds {
                    guard let zookeeper = fleet.zookeeper(seed.host), let zxid = zookeeper.data.lastZxid
                    else {
                        return .wait(because: "\(seed.host): the last transaction on its disk is not known")
                    }
                    guard zookeeper.data.problems.isEmpty else {
                        return .stop(
                            because: "\(seed.host): \(zookeeper.data.problems.joined(separator: "; "))"
                        )
                    }
                    // A seed that runs its own view already was read before it was restarted.
                    if !Self.runs(destinationView, zookeeper) {
                        facts.zxidsAtDivision[seed.host.description] = zxid.description
                    }
                }
                var pending = seeds.filter { !Self.runs(destinationView, fleet.zookeeper($0.host)) }
                // All were restarted by an earlier attempt: an election that has stalled is begun again.
                if pending.isEmpty { pending = seeds.filter { fleet.stats($0.host) == nil } }
                let freshest = facts.zxidsAtDivision.values.sorted().joined(separator: ", ")
                return .act(
                    pending.map { Self.restart($0, fleet) } + companions.map { Self.service(.start, $0) },
                    because: "last transactions on disk: \(freshest)",
                    noting: facts
                )
            },
            hosts: seeds.map(\.host)
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

    private static func restart(_ server: PlannedServer, _ fleet: FleetView) -> HostCommand {
        guard let pid = fleet.zookeeper(server.host)?.pid else { return service(.start, server) }
        return HostCommand(
            server.host,
            .service(request: ServiceRequest(service: server.service, action: .restart, replacing: pid))
        )
    }

    private func service(_ action: ServiceRequest.Action, _ server: PlannedServer) -> HostCommand {
        Self.service(action, server)
    }

    private static func service(_ action: ServiceRequest.Action, _ server: PlannedServer) -> HostCommand {
        HostCommand(server.host, .service(request: ServiceRequest(service: server.service, action: action)))
    }
}
