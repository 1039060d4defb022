import ControlProtocol
import Fleet
import Settings
import Topology

/// Gates on histories: what was drained, who may lead, what the leader holds.
extension MigrationProcedure {
    /// Transactions that a seed's disk may be behind its memory before the division; a healthy one is a few behind.
    private static var usualLag: UInt64 { 1000 }

    /// The joint ensemble as the strategy makes it.
    var isJoint: Gate {
        switch plan.strategy {
        case .participants:
            whole(source + seeds, as: "joint").and(runs(joint, on: source + seeds, as: "joint"))
        case .observers:
            whole(source, as: "source").and(runs(sourceView, on: source, as: "source")).and(observing)
                .and(runs(joint, on: seeds, as: "observers'"))
        }
    }

    var divisionHasBegun: Gate {
        Gate(
            "or the division has begun",
            hosts: destination.map(\.host),
            deadline: plan.deadlines.division
        ) { fleet, facts in
            hasBegun(fleet, facts)
                ? .holds(observed: "the division has begun") : .waiting(reason: "it has not begun")
        }
    }

    /// Before the window opens: no disk that would have to be waited for.
    var disksKeepUp: Gate {
        Gate(
            "every seed's disk keeps up with its memory",
            hosts: seeds.map(\.host),
            deadline: plan.deadlines.division
        ) { [seeds, subject = SurveyedPlan(plan: plan, survey: survey)] fleet, _ in
            var lags: [String] = []
            for seed in seeds {
                if let silence = fleet.silence(seed.host) { return .waiting(reason: silence) }
                guard let data = fleet.zookeeper(seed.host)?.data, let stats = fleet.stats(seed.host) else {
                    return .waiting(reason: "\(seed.host) does not serve")
                }
                if let problem = data.problems.first { return .never(reason: "\(seed.host): \(problem)") }
                let file = subject.configuration(of: seed)
                if let missing = fleet.missingSnapshot(on: seed.host, as: seeds.map(\.host), file) {
                    return .never(reason: missing)
                }
                if let hole = fleet.hole(on: seed.host) {
                    return .never(
                        reason: hole
                            + "; stop it, move version-2 away, start it again with the joint configuration"
                    )
                }
                guard let disk = data.lastZxid else {
                    return .waiting(reason: "\(seed.host): the last transaction on its disk is not known")
                }
                let isBehind = disk < stats.zxid
                let lag = isBehind && disk.epoch == stats.zxid.epoch ? stats.zxid.value - disk.value : 0
                // Right after an election the first transaction of the new epoch may be all that is missing.
                guard disk.epoch.plus(saturating: 1) >= stats.zxid.epoch, lag <= Self.usualLag else {
                    return .waiting(
                        reason:
                            "\(seed.host): its disk ends at \(disk), its memory at \(stats.zxid); its disk is "
                            + "too slow to be divided now"
                    )
                }
                lags.append("\(seed.host) \(lag)")
            }
            return .holds(observed: "transactions not yet on disk: " + lags.joined(separator: ", "))
        }
    }

    /// Every seed is recorded as detached; with `butTheLeader`, one may be left for the next step.
    ///
    /// Judged on what the agents reported; what is seen of the hosts is for the gates on walls.
    func seedsAreDetached(butTheLeader: Bool) -> Gate {
        Gate(
            butTheLeader ? "every seed but one that leads is detached" : "every seed is detached",
            hosts: [],
            deadline: plan.deadlines.division
        ) { [seeds] _, facts in
            let missing = seeds.filter { facts.detached[$0.host.description] == nil }
            guard missing.count <= (butTheLeader && seeds.count > 1 ? 1 : 0) else {
                return .never(
                    reason:
                        "\(names(missing)): stopped, but where the history ends could not be read; see the "
                        + "agent's log and version-2 there"
                )
            }
            let ends = seeds.compactMap { seed in facts.end(of: seed.host).map { "\(seed.host) \($0)" } }
            let doubts = seeds.compactMap { seed -> String? in
                guard case .unknown(let reason) = facts.detached[seed.host.description]?.proof else {
                    return nil
                }
                return "\(seed.host): \(reason)"
            }
            guard doubts.isEmpty else {
                return .warns(
                    observed: "NOT PROVEN that nothing was lost: " + (doubts + ends).joined(separator: "; ")
                )
            }
            return .holds(observed: ends.joined(separator: ", "))
        }
    }

    /// A node leads with the destination's view: the window is over, and the point of no return is passed.
    var destinationIsLed: Gate {
        Gate(
            "a destination node leads, with the destination's view",
            hosts: destination.map(\.host),
            deadline: plan.deadlines.division
        ) { [destination, destinationView, seeds] fleet, _ in
            let leaders = destination.filter { fleet.stats($0.host)?.role == .leader }
            if leaders.count > 1 { return .never(reason: "\(names(leaders)) lead, all at once") }
            if let leader = leaders.first {
                guard Self.runs(destinationView, fleet.zookeeper(leader.host)) else {
                    return .waiting(reason: "\(leader.host) leads; which view it runs is not known yet")
                }
                return .holds(observed: "\(leader.host) leads the destination")
            }
            let running = destination.filter { fleet.zookeeper($0.host)?.pid != nil }
            let isKnown = destination.allSatisfy { fleet.zookeeper($0.host) != nil }
            for server in destination {
                if case .failed(let reason) = fleet.zookeeper(server.host)?.state {
                    return .never(reason: "\(server.host): its service has failed: \(reason)")
                }
            }
            let isChanging = destination.contains { fleet.zookeeper($0.host)?.state == .changing }
            if isKnown, !isChanging, running.count < Ensemble.majority(of: destination.count) {
                let stopped = seeds.filter { seed in !running.contains { $0.host == seed.host } }
                return .never(
                    reason:
                        "running: \(names(running)), which is no majority; \(names(stopped)) does not run: see its "
                        + "ZooKeeper's log"
                )
            }
            if let stall = stall(of: running, fleet) { return .never(reason: stall) }
            return .waiting(
                reason: "no destination node leads yet; running: \(names(running))"
                    + (fleet.hosts.values.contains { if case .silent = $0 { true } else { false } }
                        ? "; some agents do not answer" : "")
            )
        }
    }

    /// Milliseconds that a leader may listen for followers before it serves, and a quorum look for a leader.
    ///
    /// Of 227 healthy elections none took more than 3.5 s from the one to the other; docs/division.md has the causes of
    /// those that take longer. A starting server on a busy host may look for longer, so that alone is waited for.
    private static var leaderPatience: Int { 4000 }
    private static var electionPatience: Int { 10_000 }
    /// More for followers that may have to be sent so many bytes in a millisecond.
    private static var bytesPerMillisecond: UInt64 { 50_000 }

    /// Why waiting for an election makes no sense any more; nil as long as it does.
    func stall(of running: [PlannedServer], _ fleet: FleetView) -> String? {
        guard running.count >= Ensemble.majority(of: destination.count) else { return nil }
        let nodes = running.compactMap { server in fleet.zookeeper(server.host).map { (server.host, $0) } }
        let largest = nodes.compactMap(\.1.dataSize).max() ?? 0
        let more = Int(clamping: largest / Self.bytesPerMillisecond)
        for (host, node) in nodes {
            guard let time = node.leadingFor, time > Self.leaderPatience + more else { continue }
            return "\(host) was elected \(time / 1000) s ago and does not serve: the election has stalled"
        }
        let times = nodes.compactMap(\.1.lookingFor)
        guard times.count == running.count, let shortest = times.min(),
            shortest > Self.electionPatience + more
        else { return nil }
        return
            "\(names(running)) have been looking for a leader for \(shortest / 1000) s: the election has stalled"
    }

    private static func lastOfEach(_ facts: RunFacts) -> [Zxid] {
        Array(Set(facts.detached.values.map(\.end.zxid))).sorted()
    }

    /// Looked up in the leader's own log: every transaction at which a node's history ended (I2).
    var leaderHoldsAll: Gate {
        Gate(
            "every node's last transaction is in the leader's history",
            looking: Look(
                hosts: destination.map(\.host),
                histories: { [destination] fleet, facts in
                    guard let leader = destination.first(where: { fleet.stats($0.host)?.role == .leader })
                    else {
                        return [:]
                    }
                    return [leader.host: Self.lastOfEach(facts)]
                }
            ),
            deadline: plan.deadlines.division
        ) { [destination] fleet, facts in
            #if CRIPPLED_FRESHNESS
                if Crippled.isBlind { return .holds(observed: Crippled.word) }
            #endif
            guard let leader = destination.first(where: { fleet.stats($0.host)?.role == .leader }) else {
                return .waiting(reason: "no destination node leads")
            }
            switch fleet.histories[leader.host] {
            case nil: return .waiting(reason: "\(leader.host): its history was not read")
            case .silent(let reason): return .waiting(reason: reason)
            case .found(let presence):
                let missing = facts.detached.filter { presence[$0.value.end.zxid] ?? .absent == .absent }
                guard missing.isEmpty else {
                    let list = missing.map { "\($0.key)'s \($0.value.end.zxid)" }.sorted().joined(
                        separator: ", "
                    )
                    return .never(
                        reason:
                            "\(leader.host) leads, and its history lacks \(list): acknowledged writes are missing. Stop "
                            + "every destination node now. Their data as it was is kept in mitosis-* beside version-2: "
                            + "put back each node's own, where there is none move version-2 away; start the freshest first"
                    )
                }
                return .holds(
                    observed: "\(leader.host) holds \(presence.count) of \(presence.count) last transactions"
                )
            }
        }
    }
}
