import ControlProtocol
import Settings
import Topology

/// Gates on what ensembles do: who serves, who leads, which view a process runs.
extension MigrationProcedure {
    /// Every server serves; exactly one leads, the others follow.
    func whole(_ servers: [PlannedServer], as name: String) -> Gate {
        Gate(
            "\(name): \(servers.count) nodes serve, exactly one leads",
            hosts: servers.map(\.host),
            deadline: plan.deadlines.restart
        ) { view, _ in
            var voters = Voters()
            for server in servers {
                if let idleness = view.idleness(of: server.host) { return idleness }
                guard let stats = view.stats(server.host) else { continue }
                if let fault = voters.note(stats, of: server.host) { return .never(reason: fault) }
            }
            guard let leader = voters.leader else {
                let who = voters.leaders.isEmpty ? "none leads" : "\(voters.leaders.list) all lead"
                return .waiting(reason: "\(name): \(who)")
            }
            if let synced = voters.synced(view, tooFewOf: servers.count) {
                return .waiting(reason: "\(leader) leads, \(synced) of \(servers.count - 1) followers synced")
            }
            return .holds(observed: "\(servers.count) serve, \(leader) leads")
        }
    }

    /// Every destination node serves as an observer: it follows the source, and has no vote.
    var observing: Gate {
        Gate(
            "\(names(destination)): each serves as an observer",
            hosts: destination.map(\.host),
            deadline: plan.deadlines.restart
        ) { [destination] view, _ in
            for server in destination {
                if let idleness = view.idleness(of: server.host) { return idleness }
                guard let role = view.stats(server.host)?.role, role != .observer else { continue }
                return .never(
                    reason: "\(server.host) serves as \(role.rawValue), not as an observer: stop it"
                )
            }
            return .holds(observed: "\(destination.count) observers serve")
        }
    }

    /// One of `servers` leads, and a majority of the ensemble `members` serves with it.
    func leadsFrom(_ servers: [PlannedServer], among members: [Member]) -> Gate {
        Gate(
            "one of \(names(servers)) leads",
            hosts: servers.map(\.host),
            deadline: plan.deadlines.restart
        ) { fleet, _ in
            let serving = servers.filter { fleet.stats($0.host) != nil }
            guard let leader = serving.first(where: { fleet.stats($0.host)?.role == .leader }) else {
                return .waiting(reason: "none of \(names(servers)) leads")
            }
            guard serving.count > members.count / 2 || serving.count == servers.count else {
                return .waiting(reason: "\(leader.host) leads, \(serving.count) of \(servers.count) serve")
            }
            return .holds(observed: "\(leader.host) leads")
        }
    }

    /// Every JVM among `servers` takes requests and answers of the same size (trap 14).
    func areAlike(_ servers: [PlannedServer]) -> Gate {
        Gate(
            "the same jute.maxbuffer in every JVM",
            hosts: servers.map(\.host),
            deadline: plan.deadlines.restart
        ) { fleet, _ in
            var sizes = BufferSizes()
            for server in servers {
                if let silence = fleet.silence(server.host) { return .waiting(reason: silence) }
                guard let properties = fleet.zookeeper(server.host)?.javaProperties else {
                    return .waiting(reason: "\(server.host): the flags of its process are not known")
                }
                sizes.note(properties, of: server.host)
            }
            guard let value = sizes.common else {
                return .never(
                    reason: "jute.maxbuffer differs: \(sizes). Start every server with the same value"
                )
            }
            return .holds(observed: "jute.maxbuffer is \(value) on \(servers.count) nodes")
        }
    }

    /// The processes and the files of the source are those that were there before anything was changed.
    var sourceIsUntouched: Gate {
        Gate(
            "every source node's pid and file are as before",
            hosts: source.map(\.host),
            deadline: plan.deadlines.restart
        ) { [source] fleet, facts in
            var changed: [String] = []
            for server in source {
                if let silence = fleet.silence(server.host) { return .waiting(reason: silence) }
                guard let before = facts.untouched[server.host.description] else {
                    changed.append("\(server.host) was not noted before")
                    continue
                }
                let zookeeper = fleet.zookeeper(server.host)
                if zookeeper?.pid != before.pid || zookeeper?.processStartedAt != before.startedAt {
                    let now = zookeeper?.pid.map { "pid \($0)" } ?? "not running"
                    changed.append("\(server.host) ran as pid \(before.pid), now \(now)")
                }
                if zookeeper?.file.digest != before.digest {
                    changed.append("\(server.host): \(server.configPath) is another one")
                }
            }
            guard changed.isEmpty else {
                return .warns(
                    observed: "somebody else touched the source meanwhile: " + changed.joined(separator: "; ")
                )
            }
            return .holds(observed: "\(source.count) source nodes: same process, same file")
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

    /// Two disjoint ensembles, each whole, each running its own view.
    var bothRunTheirOwn: Gate {
        whole(source, as: "source").and(runs(sourceView, on: source, as: "source"))
            .and(whole(destination, as: "destination"))
            .and(runs(destinationView, on: destination, as: "destination"))
    }

    private static func viewText(_ server: PlannedServer, _ fleet: FleetView) -> String {
        guard let zookeeper = fleet.zookeeper(server.host), zookeeper.pid != nil else {
            return "\(server.host) (not running)"
        }
        guard let view = zookeeper.runningView else { return "\(server.host) (view not known)" }
        return "\(server.host) (ids \(view.map(\.id).sorted().map(\.description).joined(separator: " ")))"
    }
}
