import ControlProtocol
import Planning
import Topology

/// Gates on the wall: rules read back from kernels, sockets listed, connections tried from both sides.
extension ParticipantsProcedure {
    var noRules: Gate {
        Gate(
            "no rule of ours in any kernel",
            hosts: (source + destination).map(\.host),
            deadline: plan.deadlines.restart
        ) { [source, destination] fleet, _ in
            for server in source + destination {
                if let silence = fleet.silence(server.host) { return .waiting(reason: silence) }
                if let rules = fleet.status(server.host)?.rules, rules.count > 0 {
                    return .waiting(
                        reason: "\(server.host) has \(rules.count) rules of ours; "
                            + "`mitosis rules clean` removes what an earlier run left"
                    )
                }
            }
            return .holds(observed: "0 rules on \(source.count + destination.count) hosts")
        }
    }

    /// Every destination node's kernel holds exactly its wall.
    var wallsStand: Gate {
        Gate(
            "the wall stands in every destination node's kernel",
            hosts: destination.map(\.host),
            deadline: plan.deadlines.division
        ) { [plan, destination] fleet, _ in
            for server in destination {
                if let silence = fleet.silence(server.host) { return .waiting(reason: silence) }
                guard fleet.status(server.host)?.rules.wall == plan.wall(for: server) else {
                    return .waiting(reason: "\(server.host): its kernel does not hold the wall as planned")
                }
            }
            return .holds(observed: "\(destination.count) walls read back")
        }
    }

    /// A wall stands already, left by an attempt whose coordinator died: the way is forward.
    var splitHasBegun: Gate {
        Gate(
            "or a wall of this plan stands already",
            hosts: destination.map(\.host),
            deadline: plan.deadlines.division
        ) { [plan, destination] fleet, _ in
            let walled = destination.filter { fleet.status($0.host)?.rules.wall == plan.wall(for: $0) }
            return walled.isEmpty
                ? .waiting(reason: "no wall yet")
                : .holds(observed: "the split has begun: \(Self.list(walled.map(\.host)))")
        }
    }

    /// Before the split, so that the later refusal proves something: both sides can reach each other.
    var bothSidesConnect: Gate {
        Gate(
            "both sides can reach each other",
            hosts: [],
            probes: probes(from: source, to: seeds).merging(
                probes(from: seeds, to: source),
                uniquingKeysWith: +
            ),
            deadline: plan.deadlines.division
        ) { [source, seeds] fleet, _ in
            let results = (source + seeds).flatMap { fleet.probes[$0.host] ?? [] }
            if let failed = results.first(where: { $0.answer != .connected }) {
                return .waiting(
                    reason: "\(failed.target.address):\(failed.target.port) answers \(failed.answer.rawValue)"
                )
            }
            guard results.count == 2 * source.count * seeds.count else {
                return .waiting(reason: "not every probe was answered")
            }
            return .holds(observed: "\(results.count) probes connect")
        }
    }

    /// No established connection between the sides, and (when `refusedToo`) every attempt is refused.
    func nothingCrosses(refusedToo: Bool) -> Gate {
        let tried =
            refusedToo
            ? probes(from: source, to: destination)
                .merging(probes(from: destination, to: source), uniquingKeysWith: +) : [:]
        return Gate(
            "no quorum or election connection crosses" + (refusedToo ? ", every attempt is refused" : ""),
            hosts: (source + destination).map(\.host),
            probes: tried,
            deadline: plan.deadlines.division
        ) { [source, destination] fleet, _ in
            for (side, other) in [(source, destination), (destination, source)] {
                let foreign = Set(other.flatMap(\.allAddresses))
                for server in side {
                    if let silence = fleet.silence(server.host) { return .waiting(reason: silence) }
                    guard let sockets = fleet.zookeeper(server.host)?.peerSockets else {
                        return .waiting(reason: "\(server.host) cannot tell which connections it has")
                    }
                    if let crossing = sockets.first(where: { foreign.contains($0.remoteAddress) }) {
                        return .waiting(
                            reason: "\(server.host) is still connected to \(crossing.remoteAddress) "
                                + "(ports \(crossing.localPort), \(crossing.remotePort))"
                        )
                    }
                }
            }
            guard refusedToo else { return .holds(observed: "no socket crosses") }
            let results = tried.keys.flatMap { fleet.probes[$0] ?? [] }
            guard results.count == tried.values.reduce(0, { $0 + $1.count }) else {
                return .waiting(reason: "not every probe was answered")
            }
            if let through = results.first(where: { $0.answer == .connected }) {
                return .waiting(reason: "\(through.target.address):\(through.target.port) can be reached")
            }
            return .holds(observed: "no socket crosses, \(results.count) probes refused")
        }
    }

    /// Every seed has stopped serving and its disk has come to rest.
    ///
    /// A destination node acknowledges before its own disk has the write. It stops serving when it loses its
    /// quorum, and flushes what it has queued; several equal looks at the disk show that this is over.
    var cutOffAndQuiet: Gate {
        Gate(
            "every seed is looking, its disk at rest",
            hosts: seeds.map(\.host),
            deadline: plan.deadlines.division,
            looks: 4
        ) { [seeds, destinationView] fleet, facts in
            var zxids: [String] = []
            for seed in seeds {
                if let silence = fleet.silence(seed.host) { return .waiting(reason: silence) }
                guard let zookeeper = fleet.zookeeper(seed.host) else { continue }
                if Self.runs(destinationView, zookeeper), facts.zxidsAtDivision[seed.host.description] != nil
                {
                    zxids.append("\(seed.host) restarted before")
                    continue
                }
                switch zookeeper.serving {
                case .yes: return .waiting(reason: "\(seed.host) still serves")
                case .unreachable(let reason):
                    return .waiting(reason: "\(seed.host) does not say that it is looking: \(reason)")
                case .looking: break
                }
                guard let zxid = zookeeper.data.lastZxid else {
                    return .waiting(reason: "\(seed.host): the last transaction on its disk is not known")
                }
                zxids.append("\(seed.host) \(zxid)")
            }
            return .holds(observed: "looking, last on disk: " + zxids.joined(separator: ", "))
        }
    }

    /// Without rules, and seen several times: nobody connects across, both ensembles stay whole.
    var staysApart: Gate {
        let gate = noRules.and(bothRunTheirOwn).and(nothingCrosses(refusedToo: false))
        return Gate(gate.title, hosts: gate.hosts, deadline: gate.deadline, looks: 5, judge: gate.judge)
    }

    private func probes(from: [PlannedServer], to: [PlannedServer]) -> [HostName: [ProbeTarget]] {
        let targets = to.flatMap { server in
            server.allAddresses.prefix(1).map { ProbeTarget(address: $0, port: server.electionPort) }
        }
        return Dictionary(from.map { ($0.host, targets) }, uniquingKeysWith: { first, _ in first })
    }
}
