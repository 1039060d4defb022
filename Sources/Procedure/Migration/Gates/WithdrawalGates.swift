import ControlProtocol
import Settings
import Topology

/// Gates of the withdrawal: what must not run, what must hold without the seeds.
extension MigrationProcedure {
    /// A run that has detached a node goes back to the joint ensemble first.
    var noneIsDetached: Gate {
        Gate("no seed is detached", hosts: [], deadline: plan.deadlines.restart) { _, facts in
            facts.detached.isEmpty
                ? .holds(observed: "no seed is detached")
                : .never(reason: "\(facts.detached.keys.sorted().joined(separator: ", ")) detached")
        }
    }

    /// What was committed with the seeds' votes is on every majority of the source that could elect a leader without them.
    ///
    /// A node with the joint view elects nobody without the votes of a joint majority, and so of a node that has what was
    /// committed. Nodes with the source's own view need each other alone: were they a majority of it, and a node
    /// with the joint view the leader, a write might be on the seeds and one other node only, unless only as many seeds can vote as may
    /// beside two views.
    var commitsAreSafe: Gate {
        Gate(
            "what could elect a leader without the seeds holds all that was committed",
            hosts: (source + destination).map(\.host),
            deadline: plan.deadlines.restart
        ) { [source, sourceView, destination, firstSeeds] fleet, _ in
            if let silent = source.lazy.compactMap({ fleet.silence($0.host) }).first {
                return .waiting(reason: silent)
            }
            let own = source.filter { Self.runs(sourceView, fleet.zookeeper($0.host)) }
            guard own.count >= Ensemble.majority(of: source.count) else {
                return .holds(
                    observed: "\(own.count) of \(source.count) source nodes run the source's own view"
                )
            }
            let voting = seeds.filter { canVote($0, fleet) }
            guard voting.count > firstSeeds.count else {
                return .holds(
                    observed:
                        "\(voting.count) of \(seeds.count) seeds can vote: too few without a node of every source majority"
                )
            }
            let leaders = (source + destination).filter { fleet.stats($0.host)?.role == .leader }
            guard leaders.count == 1, let leader = leaders.first else {
                return .waiting(
                    reason: leaders.isEmpty ? "no node leads" : "\(names(leaders)) lead, all at once"
                )
            }
            guard own.contains(where: { $0.host == leader.host }) else {
                return .never(
                    reason:
                        "\(leader.host) leads with the joint view, and \(names(own)) run the source's own: without the seeds they "
                        + "could elect a leader that lacks the newest writes. Complete the join first with "
                        + "`mitosis run --until join`, then `mitosis rollback`"
                )
            }
            return .holds(observed: "\(leader.host) leads with the source's own view")
        }
    }

    /// Unless it is seen that it does not run, or is behind the wall of the way back.
    private func canVote(_ seed: PlannedServer, _ fleet: FleetView) -> Bool {
        if fleet.silence(seed.host) != nil { return true }
        let isUp = fleet.zookeeper(seed.host)?.pid != nil || fleet.zookeeper(seed.host)?.state == .changing
        return isUp && fleet.status(seed.host)?.rules.wall != barrier(seed)
    }

    /// Whoever leads.
    func allServe(_ servers: [PlannedServer], as name: String) -> Gate {
        Gate(
            "\(name): \(servers.count) nodes serve",
            hosts: servers.map(\.host),
            deadline: plan.deadlines.restart
        ) { fleet, _ in
            for server in servers {
                if let idleness = fleet.idleness(of: server.host) { return idleness }
            }
            return .holds(observed: "\(servers.count) serve")
        }
    }

    var destinationIsStopped: Gate {
        Gate(
            "every destination node is stopped",
            hosts: destination.map(\.host),
            deadline: plan.deadlines.restart
        ) { [destination] fleet, _ in
            for server in destination {
                if let silence = fleet.silence(server.host) { return .waiting(reason: silence) }
                guard let state = fleet.zookeeper(server.host)?.state, state == .stopped else {
                    return .waiting(
                        reason:
                            "\(server.host): \(server.service) is not stopped; stop it, disable its automatic start"
                    )
                }
            }
            return .holds(observed: "\(destination.count) are stopped")
        }
    }

    var seedsAreEmpty: Gate {
        Gate("the seeds have no data", hosts: seeds.map(\.host), deadline: plan.deadlines.restart) {
            [seeds] fleet, _ in
            for seed in seeds {
                if let silence = fleet.silence(seed.host) { return .waiting(reason: silence) }
                guard let data = fleet.zookeeper(seed.host)?.data, data.isEmpty else {
                    return .waiting(reason: "\(seed.host) still has data")
                }
            }
            return .holds(observed: "\(seeds.count) seeds are empty")
        }
    }

    var barriersStand: Gate {
        Gate(
            "a wall stands in every destination node's kernel",
            hosts: destination.map(\.host),
            deadline: plan.deadlines.restart
        ) { [destination] fleet, _ in
            for server in destination {
                if let silence = fleet.silence(server.host) { return .waiting(reason: silence) }
                guard fleet.status(server.host)?.rules.wall == barrier(server) else {
                    return .waiting(
                        reason:
                            "\(server.host): its kernel does not hold the wall; `mitosis rollback` raises it again"
                    )
                }
            }
            return .holds(observed: "\(destination.count) walls read back")
        }
    }
}
