import ControlProtocol
import Planning
import Topology

/// Gates on what ensembles do: who serves, who leads, which view a process runs.
extension ParticipantsProcedure {
    /// Every server serves; exactly one leads, the others follow.
    ///
    /// - Parameter others: nodes that need not serve, but one of which may lead.
    func whole(_ servers: [PlannedServer], as name: String, others: [PlannedServer] = []) -> Gate {
        Gate(
            "\(name): \(servers.count) nodes serve, exactly one leads",
            hosts: (servers + others).map(\.host),
            deadline: plan.deadlines.restart
        ) { view, _ in
            var leaders = others.map(\.host).filter { view.stats($0)?.role == .leader }
            for server in servers {
                if let silence = view.silence(server.host) { return .waiting(reason: silence) }
                guard let zookeeper = view.zookeeper(server.host) else { continue }
                switch zookeeper.serving {
                case .yes(let stats):
                    switch stats.role {
                    case .leader: leaders.append(server.host)
                    case .follower: break
                    case .observer, .standalone:
                        return .never(
                            reason: "\(server.host) serves as \(stats.role.rawValue), not as a voter"
                        )
                    }
                case .looking: return .waiting(reason: "\(server.host) is looking for a leader")
                case .unreachable(let reason):
                    if case .failed(let why) = zookeeper.state {
                        return .never(reason: "\(server.host): its service has failed: \(why)")
                    }
                    return .waiting(reason: "\(server.host) does not answer on its client port: \(reason)")
                }
            }
            guard leaders.count == 1, let leader = leaders.first else {
                let who = leaders.isEmpty ? "none leads" : "\(Self.list(leaders)) all lead"
                return .waiting(reason: "\(name): \(who)")
            }
            if let synced = view.stats(leader)?.syncedFollowers, others.isEmpty, synced < servers.count - 1 {
                return .waiting(reason: "\(leader) leads, \(synced) of \(servers.count - 1) followers synced")
            }
            return .holds(observed: "\(servers.count) serve, \(leader) leads")
        }
    }

    /// Every process among `servers` has read exactly `view` at its start.
    func runs(_ view: [Member], on servers: [PlannedServer], as name: String) -> Gate {
        atLeast(servers.count, of: servers, run: view, as: name)
    }

    func atLeast(_ count: Int, of servers: [PlannedServer], run view: [Member], as name: String) -> Gate {
        Gate(
            "\(count) of \(servers.count) run the \(name) view",
            hosts: servers.map(\.host),
            deadline: plan.deadlines.restart
        ) { fleet, _ in
            let running = servers.filter { Self.runs(view, fleet.zookeeper($0.host)) }
            guard running.count >= count else {
                let others = servers.filter { server in !running.contains { $0.host == server.host } }
                return .waiting(
                    reason: "\(running.count) of \(servers.count) run the \(name) view; not yet "
                        + others.map { Self.viewText($0, fleet) }.joined(separator: ", ")
                )
            }
            return .holds(observed: "\(running.count) of \(servers.count) run the \(name) view")
        }
    }

    /// One node was stopped by a restart that did not come to its end; starting it is the way forward.
    func oneIsDown(_ servers: [PlannedServer]) -> Gate {
        Gate(
            "or exactly one node is down, to be started",
            hosts: servers.map(\.host),
            deadline: plan.deadlines.restart
        ) { fleet, _ in
            if let silence = servers.lazy.compactMap({ fleet.silence($0.host) }).first {
                return .waiting(reason: silence)
            }
            let down = servers.filter { fleet.zookeeper($0.host)?.pid == nil }
            guard down.count == 1, let node = down.first, fleet.zookeeper(node.host)?.state != .changing
            else {
                return .waiting(reason: "\(down.count) nodes are down")
            }
            return .holds(observed: "\(node.host) is down")
        }
    }

    /// After the split: a source leader serves, and every source node that has its own view back serves.
    ///
    /// A node that still runs the joint view may be left looking while a quorum of the source view serves; it is
    /// the next to be restarted.
    var sourceServes: Gate {
        Gate(
            "source: one leads, every restarted node serves",
            hosts: source.map(\.host),
            deadline: plan.deadlines.restart
        ) { [source, sourceView] fleet, _ in
            if let silence = source.lazy.compactMap({ fleet.silence($0.host) }).first {
                return .waiting(reason: silence)
            }
            let serving = source.filter { fleet.stats($0.host) != nil }
            let leaders = serving.filter { fleet.stats($0.host)?.role == .leader }
            guard leaders.count == 1, let leader = leaders.first else {
                return .waiting(reason: leaders.isEmpty ? "no source node leads" : "two source nodes lead")
            }
            guard serving.count > source.count / 2 else {
                return .waiting(reason: "\(serving.count) of \(source.count) source nodes serve")
            }
            if let idle = source.first(where: {
                Self.runs(sourceView, fleet.zookeeper($0.host)) && fleet.stats($0.host) == nil
            }) {
                return .waiting(reason: "\(idle.host) runs the source view and does not serve yet")
            }
            return .holds(observed: "\(serving.count) of \(source.count) serve, \(leader.host) leads")
        }
    }

    /// The node that leads is one that had the newest transaction on its disk when it was cut off.
    var leaderIsFresh: Gate {
        Gate(
            "the leader is a node that had the newest transaction at the split",
            hosts: (seeds + companions).map(\.host),
            deadline: plan.deadlines.division
        ) { [seeds, companions] fleet, facts in
            let zxids = facts.zxidsAtDivision.compactMapValues { Zxid(hexadecimal: $0) }
            guard let leader = (seeds + companions).first(where: { fleet.stats($0.host)?.role == .leader })
            else {
                return .waiting(reason: "no leader yet")
            }
            guard zxids.count == seeds.count, let freshest = zxids.values.max() else {
                return .holds(
                    observed:
                        "NOT PROVEN that nothing was lost: seeds were restarted by somebody else before "
                        + "their last transactions were read"
                )
            }
            let own = zxids[leader.host.description]
            guard own == freshest else {
                return .never(
                    reason:
                        "\(leader.host) leads; at the split its disk ended at \(own?.description ?? "nothing"), "
                        + "another's at \(freshest): acknowledged writes are missing from it. Stop the destination "
                        + "now and keep every version-2 directory"
                )
            }
            return .holds(observed: "\(leader.host) had \(freshest), the newest, at the split")
        }
    }

    /// Two disjoint ensembles, each whole, each running its own view.
    var bothRunTheirOwn: Gate {
        whole(source, as: "source").and(runs(sourceView, on: source, as: "source"))
            .and(whole(destination, as: "destination"))
            .and(runs(destinationView, on: destination, as: "destination"))
    }

    static func list(_ hosts: [HostName]) -> String {
        hosts.map(\.description).joined(separator: ", ")
    }

    private static func viewText(_ server: PlannedServer, _ fleet: FleetView) -> String {
        guard let zookeeper = fleet.zookeeper(server.host), zookeeper.pid != nil else {
            return "\(server.host) (not running)"
        }
        guard let view = zookeeper.runningView else { return "\(server.host) (view not known)" }
        return "\(server.host) (ids \(view.map(\.id).sorted().map(\.description).joined(separator: " ")))"
    }
}
