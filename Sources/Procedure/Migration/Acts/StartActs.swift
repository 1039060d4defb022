import ControlProtocol
import Fleet
import Settings
import Topology

/// Which destination nodes are started first, and what is done when they do not come to elect a leader.
extension MigrationProcedure {
    var startFirst: Act {
        .decided(
            summary:
                "start the freshest of \(names(destination)) together, and the next freshest until a majority is "
                + "complete; never so many others that they could elect a leader without a freshest one",
            by: { fleet, facts in
                if let silent = destination.lazy.compactMap({ fleet.silence($0.host) }).first {
                    return .wait(because: silent)
                }
                switch startOrder(fleet, facts) {
                case .failure(let problem): return .stop(because: problem.reason)
                case .success(let order): return behindWalls(start(by: order, fleet, facts), fleet, facts)
                }
            },
            looking: Look(hosts: destination.map(\.host))
        )
    }

    private func start(by order: StartOrder, _ fleet: FleetView, _ facts: RunFacts) -> Decision {
        let running = destination.filter { fleet.zookeeper($0.host)?.pid != nil }
        if let leader = destination.first(where: { fleet.stats($0.host)?.role == .leader }) {
            return .nothingToDo(because: "\(leader.host) leads already")
        }
        if let changing = destination.first(where: { fleet.zookeeper($0.host)?.state == .changing }) {
            return .wait(because: "\(changing.host) is being started or stopped")
        }
        let first = servers(order.first)
        let missing = first.filter { server in !running.contains { $0.host == server.host } }
        let text = "freshest: \(names(servers(order.freshest))); "
        guard missing.isEmpty else {
            let together = Set((running + missing).map(\.id))
            guard order.isSafe(together) else {
                let others = running.filter { server in !first.contains { $0.host == server.host } }
                return .act(
                    stop(others) + start(missing),
                    because: text + "\(names(others)) must not run before the destination has a leader",
                    noting: facts
                )
            }
            return .act(start(missing), because: text + "to be started: \(names(missing))", noting: facts)
        }
        // All of the first quorum run and none leads.
        guard let stall = stall(of: running, fleet) else {
            return .nothingToDo(because: text + "\(names(running)) run and have not elected yet")
        }
        // One more voter may complete another majority.
        let next = servers(order.rest).first { server in
            !running.contains { $0.host == server.host }
                && order.isSafe(Set(running.map(\.id) + [server.id]))
        }
        if let next {
            return .act(
                start([next]),
                because: "\(stall); \(next.host) is started as well",
                noting: facts
            )
        }
        // Together down, together up: one that is restarted alone hears of the election before, and nothing ends.
        return .act(
            stop(running),
            because: "\(stall); \(names(running)) are stopped, to be started again together",
            noting: facts
        )
    }

    /// What has to come before a start behind the wall.
    ///
    /// A host that rebooted after its node was detached may have no wall any more: nothing starts there before it has one again.
    func behindWalls(_ decision: Decision, _ fleet: FleetView, _ facts: RunFacts) -> Decision {
        let bare = destination.filter { !isWalled($0, fleet) }
        let walls = bare.map { raiseWall($0) }
        let remark = bare.isEmpty ? "" : "; \(names(bare)) lost the wall, which is put up first"
        return switch decision {
        case .act(let commands, let because, let noted):
            .act(walls + commands.flatMap { withRoom($0, fleet) }, because: because + remark, noting: noted)
        case .nothingToDo(let because) where !bare.isEmpty:
            .act(walls, because: because + remark, noting: facts)
        case .nothingToDo, .wait, .stop: decision
        }
    }

    /// A node that was ended in the middle of its first synchronization does not start with what it has: the server says that its
    /// epoch is older than its last transaction.
    ///
    /// It never acknowledged any of it; a seed's data is never touched.
    private func withRoom(_ command: HostCommand, _ fleet: FleetView) -> [HostCommand] {
        guard case .service(let request) = command.command, request.action == .start,
            !seeds.contains(where: { $0.host == command.host }),
            let data = fleet.zookeeper(command.host)?.data, let last = data.lastZxid,
            (data.currentEpoch ?? 0) < Int64(last.epoch)
        else { return [command] }
        let room = Command.setAside(request: SetAsideRequest(service: request.service))
        return [HostCommand(command.host, room), command]
    }

    private func servers(_ ids: [ServerID]) -> [PlannedServer] {
        ids.compactMap { id in destination.first { $0.id == id } }
    }

    /// From the recorded ends of the detached nodes, checked against what their disks hold now.
    private func startOrder(_ fleet: FleetView, _ facts: RunFacts) -> Result<StartOrder, Undecidable> {
        var ends: [(id: ServerID, end: HistoryEnd?)] = []
        for server in seeds + companions + dormant {
            guard let zookeeper = fleet.zookeeper(server.host) else { continue }
            let isOwn = Self.runs(destinationView, zookeeper)
            if zookeeper.pid != nil, !isOwn, zookeeper.runningView != nil {
                return .failure(
                    Undecidable(reason: "\(server.host) runs with another view than the destination's")
                )
            }
            let found = zookeeper.data.end
            guard seeds.contains(where: { $0.host == server.host }) else {
                ends.append((server.id, found))
                continue
            }
            guard let detached = facts.end(of: server.host) else {
                return .failure(Undecidable(reason: "\(server.host) was never detached"))
            }
            if let problem = zookeeper.data.problems.first {
                return .failure(Undecidable(reason: "\(server.host): \(problem)"))
            }
            guard let found, found >= detached else {
                return .failure(
                    Undecidable(
                        reason:
                            "\(server.host): its history ended at \(detached) when it was detached, and ends at "
                            + "\(found?.description ?? "nothing") now; put the data back from the copy in "
                            + "\(zookeeper.data.path)/mitosis-*, or `mitosis rollback`"
                    )
                )
            }
            // What it was let begin the division with; one of 3.4 may have had none.
            if facts.detached[server.host.description]?.snapshot != nil, zookeeper.data.snapshot == nil {
                return .failure(
                    Undecidable(
                        reason:
                            "\(server.host): its snapshot is gone from \(zookeeper.data.path); put the data back from the "
                            + "copy in \(zookeeper.data.path)/mitosis-*, or `mitosis rollback`"
                    )
                )
            }
            ends.append((server.id, detached))
        }
        #if CRIPPLED_FRESHNESS
            let newest = ends.compactMap(\.end).max()
            ends = ends.map { ($0.id, newest) }
        #endif
        guard let order = StartOrder(ends) else {
            return .failure(Undecidable(reason: "no destination node has a history"))
        }
        if let hole = hole(in: servers(order.freshest), facts) { return .failure(hole) }
        return .success(order)
    }

    /// A node may be the freshest and lack what came earlier; another one shows it.
    private func hole(in freshest: [PlannedServer], _ facts: RunFacts) -> Undecidable? {
        for server in freshest {
            guard let own = facts.detached[server.host.description] else { continue }
            for (host, other) in facts.detached.sorted(by: { $0.key < $1.key }) {
                guard let zxid = own.lacks(of: other) else { continue }
                return Undecidable(
                    reason:
                        "\(server.host) is the freshest and lacks what \(host) has up to \(zxid): its history has a hole. Go "
                        + "back with `mitosis rollback`, move \(server.host)'s version-2 away, let it join anew"
                )
            }
        }
        return nil
    }
}
