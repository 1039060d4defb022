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
            probes: crossingProbes,
            deadline: plan.deadlines.division
        ) { [crossingProbes] fleet, _ in
            Self.judge(crossingProbes, fleet, .connected, "connect")
        }
    }

    /// Preflight: the agents' own configurations let them try.
    var probesAllowed: Gate {
        let tried = crossingProbes
        return Gate(
            "every agent may probe the other side",
            hosts: [],
            probes: tried,
            deadline: .seconds(5)
        ) { fleet, _ in
            for (host, targets) in tried.sorted(by: { $0.key < $1.key }) {
                guard fleet.probes[host]?.count == targets.count else {
                    return .waiting(
                        reason:
                            "\(host): its agent does not answer probes of the other side; see `firewall.peers` "
                            + "in its configuration"
                    )
                }
            }
            return .holds(observed: "\(tried.count) agents")
        }
    }

    /// Every connection that the sides hold with each other goes to an address that the plan's rules cover.
    var peersAreKnown: Gate {
        Gate(
            "every quorum and election connection goes to an address of the plan",
            hosts: (source + seeds).map(\.host),
            deadline: plan.deadlines.division
        ) { [source, seeds, plan] fleet, _ in
            let known = Set(plan.servers.flatMap(\.allAddresses))
            for server in source + seeds {
                if let silence = fleet.silence(server.host) { return .waiting(reason: silence) }
                let sockets = fleet.zookeeper(server.host)?.peerSockets ?? []
                if let stranger = sockets.first(where: { !known.contains($0.remoteAddress) }) {
                    return .never(
                        reason: "\(server.host) is connected to \(stranger.remoteAddress) (ports "
                            + "\(stranger.localPort), \(stranger.remotePort)), an address that the plan does not "
                            + "name; add it to `addresses` of the server that has it, in a plan of a new name"
                    )
                }
            }
            return .holds(observed: "all peers are addresses of the plan")
        }
    }

    /// Nothing but the seeds can take part in the destination's first election.
    ///
    /// A dormant node that came up by itself (a reboot, a unit that is enabled) is empty and could form a majority
    /// without the freshest seed.
    var othersAreStopped: Gate {
        Gate(
            "\(names(companions + dormant)): stopped and empty until the destination's seeds lead",
            hosts: destination.map(\.host),
            deadline: plan.deadlines.division
        ) { [seeds, companions, dormant, destinationView] fleet, facts in
            let first = seeds + companions
            let leads = first.contains { server in
                Self.runs(destinationView, fleet.zookeeper(server.host))
                    && fleet.stats(server.host)?.role == .leader
            }
            if leads { return .holds(observed: "the destination has a leader") }
            for server in facts.zxidsAtDivision.isEmpty ? companions + dormant : dormant {
                if let silence = fleet.silence(server.host) { return .waiting(reason: silence) }
                guard let zookeeper = fleet.zookeeper(server.host) else { continue }
                guard zookeeper.state == .stopped, zookeeper.data.isEmpty else {
                    return .never(
                        reason:
                            "\(server.host) must be stopped and empty until the destination's leader serves: "
                            + "an empty node could help to elect a leader without the newest writes. Stop "
                            + "\(server.service) there, move version-2 away, disable its automatic start"
                    )
                }
            }
            return .holds(observed: "the other nodes are stopped and empty")
        }
    }

    /// No established connection between the sides, and (when `refusedToo`) every attempt between running nodes
    /// is refused.
    func nothingCrosses(refusedToo: Bool) -> Gate {
        let tried = refusedToo ? crossingProbes : [:]
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
                    let sockets = fleet.zookeeper(server.host)?.peerSockets ?? []
                    if let crossing = sockets.first(where: { foreign.contains($0.remoteAddress) }) {
                        return .waiting(
                            reason: "\(server.host) is still connected to \(crossing.remoteAddress) "
                                + "(ports \(crossing.localPort), \(crossing.remotePort))"
                        )
                    }
                }
            }
            guard refusedToo else { return .holds(observed: "no socket crosses") }
            return switch Self.judge(tried, fleet, .refused, "refused") {
            case .holds(let observed), .warns(let observed): .holds(observed: "no socket crosses, \(observed)")
            case .waiting(let reason): .waiting(reason: reason)
            case .never(let reason): .never(reason: reason)
            }
        }
    }

    private static func judge(
        _ tried: [HostName: [ProbeTarget]],
        _ fleet: FleetView,
        _ wanted: ProbeResult.Answer,
        _ word: String
    ) -> Verdict {
        let results = tried.keys.flatMap { fleet.probes[$0] ?? [] }
        if let other = results.first(where: { $0.answer != wanted }) {
            return .waiting(
                reason:
                    "a probe of \(other.target.address):\(other.target.port) gives \(other.answer.rawValue)"
            )
        }
        guard !results.isEmpty, results.count == tried.values.reduce(0, { $0 + $1.count }) else {
            return .waiting(reason: "not every probe was answered")
        }
        return .holds(
            observed: "\(results.count) attempts on election ports between source and seeds \(word)"
        )
    }

    /// From each source node to each seed's election port, and back: these listen as long as the nodes run.
    private var crossingProbes: [HostName: [ProbeTarget]] {
        probes(from: source, to: seeds).merging(probes(from: seeds, to: source), uniquingKeysWith: +)
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
        ) { [seeds, destinationView] fleet, _ in
            var zxids: [String] = []
            for seed in seeds {
                if let silence = fleet.silence(seed.host) { return .waiting(reason: silence) }
                guard let zookeeper = fleet.zookeeper(seed.host) else { continue }
                if Self.runs(destinationView, zookeeper) {
                    zxids.append("\(seed.host) restarted before")
                    continue
                }
                switch (zookeeper.state, zookeeper.serving) {
                case (.stopped, _), (.failed, _), (.running, .looking): break
                case (_, .yes): return .waiting(reason: "\(seed.host) still serves")
                case (.changing, _): return .waiting(reason: "\(seed.host) is being started or stopped")
                case (.running, .unreachable(let reason)):
                    return .waiting(reason: "\(seed.host) does not say that it is looking: \(reason)")
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
