import ControlProtocol
import Fleet
import Settings
import Topology

/// What the steps of the withdrawal send: only what undoes something that is seen.
extension MigrationProcedure {
    /// Cuts the ensembles apart and nobody else: clients on a destination host use the source.
    func barrier(_ server: PlannedServer) -> Wall {
        Wall(peers: plan.wall(for: server).peers, scope: .ports(numbers: plan.quorumPorts))
    }

    func stopIfNotStopped(_ servers: [PlannedServer]) -> Act {
        .decided(
            summary: "stop those of \(names(servers)) that run",
            by: { fleet, facts in
                if let silent = servers.lazy.compactMap({ fleet.silence($0.host) }).first {
                    return .wait(because: silent)
                }
                let up = servers.filter { fleet.zookeeper($0.host)?.state != .stopped }
                return up.isEmpty
                    ? .nothingToDo(because: "none of them runs")
                    : .act(stop(up), because: "to be stopped: \(names(up))", noting: facts)
            },
            looking: Look(hosts: servers.map(\.host))
        )
    }

    func putBack(_ servers: [PlannedServer]) -> Act {
        .decided(
            summary: "restore the files of those of \(names(servers)) that have the joint one",
            by: { fleet, facts in
                decision(on: servers, fleet, facts) { server throws(Undecidable) in
                    try restoration(of: server, fleet)
                }
            },
            looking: Look(hosts: servers.map(\.host))
        )
    }

    /// The data first: a file that is back says that its host is done.
    var takeDestinationBack: Act {
        .decided(
            summary:
                "on \(names(destination)): remove the copy of the data, move the data aside, restore the file, where they "
                + "are the run's",
            by: { [seeds, destination] fleet, facts in
                decision(on: destination, fleet, facts) { server throws(Undecidable) in
                    let hasData =
                        seeds.contains { $0.host == server.host }
                        && fleet.zookeeper(server.host)?.data.isEmpty == false
                    let request = SetAsideRequest(service: server.service)
                    let data = hasData ? [Command.discardCopy, .setAside(request: request)] : []
                    return data.map { HostCommand(server.host, $0) } + (try restoration(of: server, fleet))
                }
            },
            looking: Look(hosts: destination.map(\.host))
        )
    }

    private func decision(
        on servers: [PlannedServer],
        _ fleet: FleetView,
        _ facts: RunFacts,
        _ commands: (PlannedServer) throws(Undecidable) -> [HostCommand]
    ) -> Decision {
        if let silent = servers.lazy.compactMap({ fleet.silence($0.host) }).first {
            return .wait(because: silent)
        }
        var all: [HostCommand] = []
        do throws(Undecidable) {
            for server in servers { all += try commands(server) }
        } catch {
            return .stop(because: error.reason)
        }
        let hosts = servers.filter { server in all.contains { $0.host == server.host } }
        return all.isEmpty
            ? .nothingToDo(because: "nothing of the run is left on \(names(servers))")
            : .act(all, because: "to be put back: \(names(hosts))", noting: facts)
    }

    /// None where the file is the one of before; nothing is put in the place of what somebody else wrote.
    func restoration(of server: PlannedServer, _ fleet: FleetView) throws(Undecidable)
        -> [HostCommand]
    {
        guard let file = survey.file(of: server.host) else {
            throw Undecidable(reason: "\(server.host): its file was not read when the run began")
        }
        let found = fleet.zookeeper(server.host)?.file.digest
        if found == file.digest { return [] }
        let joint = jointConfiguration.rewritten(file).map(ContentDigest.sha256)
        guard joint != nil, found == joint else {
            throw Undecidable(reason: "\(server.host): " + Self.foreign(file.path))
        }
        return restore([server])
    }

    /// What is said of a file that is neither what it was nor what the run made of it.
    static func foreign(_ path: String) -> String {
        "\(path) is neither what it was before the run nor what the run wrote: somebody else changed it. Put it back as it was (its "
            + "bytes are in backups/RUN of the agent's state directory), then go on with `mitosis rollback`"
    }
}
