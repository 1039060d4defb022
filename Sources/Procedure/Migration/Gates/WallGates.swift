import ControlProtocol
import Settings
import Topology

/// Gates on the wall: rules read back from kernels, sockets listed, connections tried from both sides.
extension MigrationProcedure {
    var noRules: Gate {
        Gate(
            "no rule of ours in any kernel",
            hosts: (source + destination).map(\.host),
            deadline: plan.deadlines.restart
        ) { [source, destination] fleet, _ in
            for server in source + destination {
                if let silence = fleet.silence(server.host) { return .waiting(reason: silence) }
                if let left = fleet.leftRules(on: server.host) {
                    return .waiting(reason: left + "; `mitosis rules clean` removes what an earlier run left")
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
        ) { [destination] fleet, _ in
            for server in destination {
                if let silence = fleet.silence(server.host) { return .waiting(reason: silence) }
                guard isWalled(server, fleet) else {
                    return .waiting(reason: "\(server.host): its kernel does not hold the wall as planned")
                }
            }
            return .holds(observed: "\(destination.count) walls read back" + restorations(fleet))
        }
    }

    /// The wall stands at every destination node that is not attached to the source any more.
    var detachedAreWalled: Gate {
        Gate(
            "the wall stands at every node that is not attached to the source",
            hosts: destination.map(\.host),
            deadline: plan.deadlines.division
        ) { [destination] fleet, facts in
            let attached = Set(attached(fleet, facts).map(\.host))
            for server in destination where !attached.contains(server.host) {
                if let silence = fleet.silence(server.host) { return .waiting(reason: silence) }
                guard isWalled(server, fleet) else {
                    return .waiting(reason: "\(server.host): its kernel does not hold the wall as planned")
                }
            }
            return .holds(observed: "\(destination.count - attached.count) walls read back")
        }
    }

    func isWalled(_ server: PlannedServer, _ fleet: FleetView) -> Bool {
        fleet.status(server.host)?.rules.wall == plan.wall(for: server)
    }

    /// Walls that something else took away, and that their agents put back.
    private func restorations(_ fleet: FleetView) -> String {
        let texts = destination.compactMap { server -> String? in
            guard let times = fleet.status(server.host)?.rules.restored, times > 0 else { return nil }
            return "; \(server.host): something changed its wall, which was put back (\(times) times)"
        }
        return texts.joined()
    }

    /// Before the split, so that the later refusal proves something: both sides can reach each other.
    var bothSidesConnect: Gate {
        Gate(
            "both sides can reach each other",
            hosts: [],
            probes: crossingProbes,
            deadline: plan.deadlines.division
        ) { [crossingProbes] fleet, _ in
            Self.judge(crossingProbes, fleet, .connected, "connected")
        }
    }

    /// Every connection that the sides hold with each other goes to an address that the plan's rules cover.
    var peersAreKnown: Gate {
        Gate(
            "every quorum and election connection goes to an address of the plan",
            hosts: (source + seeds).map(\.host),
            deadline: plan.deadlines.division
        ) { [source, seeds, plan] fleet, _ in
            for server in source + seeds {
                if let silence = fleet.silence(server.host) { return .waiting(reason: silence) }
                guard let strangers = fleet.strangers(of: server.host, in: plan) else {
                    return .waiting(reason: "\(server.host) cannot tell which connections it has")
                }
                if let stranger = strangers.first {
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
        let others = companions + dormant
        return Gate(
            others.isEmpty
                ? "every destination node is a seed"
                : "\(names(others)): stopped and empty until the division",
            hosts: others.map(\.host),
            deadline: plan.deadlines.division
        ) { fleet, _ in
            for server in others {
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
            return .holds(
                observed: others.isEmpty ? "no other nodes" : "the other nodes are stopped and empty"
            )
        }
    }

    /// No established connection between the sides, by the socket tables of both.
    var nothingCrosses: Gate {
        Gate(
            "no quorum or election connection crosses",
            hosts: (source + destination).map(\.host),
            deadline: plan.deadlines.division
        ) { [source, destination] fleet, _ in
            #if CRIPPLED_WALLS
                if Crippled.isBlind { return .holds(observed: Crippled.word) }
            #endif
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
            return .holds(observed: "no socket crosses")
        }
    }

    /// Attempts from both sides are refused, and by the walls: their counters show the packets.
    ///
    /// A refusal alone would prove little where nothing listens.
    var everyAttemptIsRefused: Gate {
        let tried = attemptsAcross
        return Gate(
            "every attempt from either side is refused, and counted by the wall",
            hosts: destination.map(\.host),
            probes: tried,
            deadline: plan.deadlines.division
        ) { [destination] fleet, _ in
            #if CRIPPLED_WALLS
                if Crippled.isBlind { return .holds(observed: Crippled.word) }
            #endif
            let refused = Self.judge(tried, fleet, .refused, "refused")
            guard case .holds(let observed) = refused else { return refused }
            for server in destination {
                guard let rules = fleet.status(server.host)?.rules else {
                    return .waiting(reason: fleet.silence(server.host) ?? "\(server.host): no status")
                }
                let inbound = tried.values.joined().count { server.allAddresses.contains($0.address) }
                let outbound = tried[server.host]?.count ?? 0
                for (chain, least) in [("input", inbound), ("output", outbound)] {
                    let counted = rules.counters.filter { $0.chain == chain }
                        .reduce(UInt64(0)) { $0.plus(saturating: $1.packets) }
                    guard counted >= UInt64(least) else {
                        return .waiting(
                            reason:
                                "\(server.host): \(least) attempts were made, its wall's \(chain) rules counted "
                                + "\(counted) packets"
                        )
                    }
                }
            }
            return .holds(observed: observed + ", all counted")
        }
    }

    /// From each node of either side to each node of the other.
    var attemptsAcross: [HostName: [ProbeTarget]] {
        probes(from: source, to: destination)
            .merging(probes(from: destination, to: source), uniquingKeysWith: +)
    }

    private static func judge(
        _ tried: [HostName: [ProbeTarget]],
        _ fleet: FleetView,
        _ wanted: ProbeResult.Answer,
        _ word: String
    ) -> Verdict {
        let results = tried.flatMap { host, targets in
            (fleet.probes[host] ?? []).filter { targets.contains($0.target) }
        }
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
            observed: "\(results.count) attempts on election ports across \(word)"
        )
    }

    /// From each source node to each seed's election port, and back: these listen as long as the nodes run.
    private var crossingProbes: [HostName: [ProbeTarget]] {
        probes(from: source, to: seeds).merging(probes(from: seeds, to: source), uniquingKeysWith: +)
    }

    /// Without rules, and seen several times: nobody connects across, both ensembles stay whole.
    var staysApart: Gate {
        noRules.and(bothRunTheirOwn).and(nothingCrosses).seen(inARow: 5)
    }

    private func probes(from: [PlannedServer], to: [PlannedServer]) -> [HostName: [ProbeTarget]] {
        let targets = to.flatMap { server in
            server.allAddresses.prefix(1).map { ProbeTarget(address: $0, port: server.electionPort) }
        }
        return Dictionary(from.map { ($0.host, targets) }, uniquingKeysWith: { first, _ in first })
    }
}
