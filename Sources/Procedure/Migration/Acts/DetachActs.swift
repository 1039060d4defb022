import ControlProtocol
import Fleet
import Settings
import SystemCalls
import Topology

/// What the steps of the division send. docs/division.md has the states.
extension MigrationProcedure {
    var raiseWalls: [HostCommand] { destination.map { raiseWall($0) } }

    var removeWalls: [HostCommand] { destination.map { HostCommand($0.host, .removeWall) } }

    /// A seed that leads is left for last: without it, the others would lose their leader before they are asked what they
    /// hold in memory.
    var detachSeeds: Act {
        .decided(
            summary: (kafka == nil ? "" : "note the session of every broker and of the controller, then ")
                + "detach \(names(seeds)) at once (a seed that leads is left for the next step): "
                + "close its client ports, read its memory's last transaction, wait for its disk, end it, wall it off"
                + (companions + dormant).map {
                    "; \($0.host): \(raiseWall($0).command.summary), and hold \($0.service) back"
                }
                .joined(),
            by: { fleet, facts in
                var noted = facts
                if let reason = noteSessions(fleet, &noted) { return .wait(because: reason) }
                if let silent = destination.lazy.compactMap({ fleet.silence($0.host) }).first {
                    return .wait(because: silent)
                }
                noted.windowOpenedAt = noted.windowOpenedAt ?? fleet.lookedAt?.upperBound
                let attached = attached(fleet, facts)
                let leader = attached.first { fleet.stats($0.host)?.role == .leader }
                let postponed = attached.count > 1 ? leader : nil
                let commands = destination.filter { $0.host != postponed?.host }.map { server in
                    seeds.contains { $0.host == server.host }
                        ? detach(server, fleet, facts)
                        : raiseWall(server, holdingIn: fleet, lapse: lapse(of: server))
                }
                return .act(
                    commands,
                    because: postponed.map { "\($0.host) leads, and goes last" } ?? "no seed leads",
                    noting: noted
                )
            },
            looking: Look(
                hosts: (plan.servers.map(\.host)) + plan.brokers.map(\.host),
                kafka: kafka?.fromJoint
            )
        )
    }

    /// What is left to be done of the split: a seed that led, and connections that the other side still holds.
    ///
    /// A reset is sent once and can get lost; the source's ends are then ended where they are.
    var completeSplit: Act {
        .decided(
            summary:
                "detach the seed that led, if one did; on source nodes, end connections to the destination that "
                + "are still established",
            by: { fleet, facts in
                let missing = seeds.filter { facts.detached[$0.host.description] == nil }
                if let silent = plan.servers.lazy.compactMap({ fleet.silence($0.host) }).first {
                    return .wait(because: silent)
                }
                let holding = missing.isEmpty ? source.filter { holdsConnections($0, fleet) } : []
                let commands =
                    missing.map { detach($0, fleet, facts) }
                    + holding.map { HostCommand($0.host, .sever(wall: plan.wall(for: $0))) }
                guard !commands.isEmpty else { return .nothingToDo(because: "every seed is detached") }
                let reasons = [
                    missing.isEmpty ? nil : "\(names(missing)) still to be detached",
                    holding.isEmpty ? nil : "\(names(holding)) still hold connections to the destination",
                ]
                return .act(
                    commands,
                    because: reasons.compactMap(\.self).joined(separator: "; "),
                    noting: facts
                )
            },
            // The same as is looked at afterwards: when nothing is to be done, one look does.
            looking: Look(hosts: plan.servers.map(\.host), probes: attemptsAcross)
        )
    }

    private func holdsConnections(_ server: PlannedServer, _ fleet: FleetView) -> Bool {
        let foreign = Set(destination.flatMap(\.allAddresses))
        return fleet.zookeeper(server.host)?.peerSockets?.contains { foreign.contains($0.remoteAddress) }
            ?? false
    }

    /// Remembers where a node's history ended, and how that was proven; a proof is not given up for a weaker one.
    var noteDetached: @Sendable (HostName, CommandResult, inout RunFacts) -> Void {
        { host, result, facts in
            guard case .detached(let report) = result, let end = report.data.end else { return }
            if let known = facts.detached[host.description], known.end == end, !report.proof.isKnown {
                return
            }
            facts.detached[host.description] = RunFacts.Detached(
                pid: report.pid,
                end: end,
                proof: report.proof,
                snapshot: report.data.snapshot,
                epochEnds: report.data.epochEnds
            )
        }
    }

    /// Walls as they must stand when a run goes on; a seed that is still attached must not be cut off undrained.
    ///
    /// - Parameter holding: whether nodes that do not run are to be held back; never once the run may have started one.
    func raiseStandingWalls(holding: Bool) -> Act {
        .decided(
            summary: "raise the wall on every destination node that is not attached to the source any more",
            by: { fleet, facts in
                if let silent = destination.lazy.compactMap({ fleet.silence($0.host) }).first {
                    return .wait(because: silent)
                }
                let attached = attached(fleet, facts)
                let others = destination.filter { server in !attached.contains { $0.host == server.host } }
                return .act(
                    others.map { raiseWall($0, holdingIn: holding ? fleet : nil) },
                    because: attached.isEmpty
                        ? "on every node" : "but not on \(names(attached)), still attached",
                    noting: facts
                )
            },
            looking: Look(hosts: destination.map(\.host))
        )
    }

    /// Seeds that run and were never detached: what they hold in memory has not been drained.
    func attached(_ fleet: FleetView, _ facts: RunFacts) -> [PlannedServer] {
        seeds.filter { seed in
            guard let zookeeper = fleet.zookeeper(seed.host), zookeeper.pid != nil else { return false }
            // One that went back by itself is attached again, whatever was noted of it.
            return (facts.detached[seed.host.description] == nil || hasGivenUp(seed, fleet))
                && !Self.runs(destinationView, zookeeper)
        }
    }

    /// `fleet`: where it shows that the node does not run, the node is held back whatever its host does by itself.
    ///
    /// - Parameter lapse: before the commitment, what undoes it; nil changes nothing of that.
    func raiseWall(
        _ server: PlannedServer,
        holdingIn fleet: FleetView? = nil,
        lapse: LapseRequest? = nil
    ) -> HostCommand {
        let isStopped = fleet?.zookeeper(server.host).map { $0.pid == nil && $0.state != .changing } ?? false
        return HostCommand(
            server.host,
            .installWall(
                wall: plan.wall(for: server),
                holding: isStopped ? [server.service] : nil,
                lapse: lapse
            )
        )
    }

    private func detach(_ server: PlannedServer, _ fleet: FleetView, _ facts: RunFacts) -> HostCommand {
        guard facts.detached[server.host.description] == nil else {
            return raiseWall(server, holdingIn: fleet)
        }
        let request = DetachRequest(
            service: server.service,
            pid: fleet.zookeeper(server.host)?.pid,
            wall: plan.wall(for: server),
            seconds: max(1, plan.deadlines.division.milliseconds / 1000),
            lapse: lapse(of: server)
        )
        return HostCommand(server.host, .detach(request: request))
    }

    /// Notes the brokers' sessions before the first node is detached; says why that must wait.
    private func noteSessions(_ fleet: FleetView, _ facts: inout RunFacts) -> String? {
        guard let kafka, !hasBegun(fleet, facts) else { return nil }
        if let ailment = kafka.ailment(fleet, from: kafka.fromJoint) { return ailment.reason }
        guard let cluster = fleet.kafka(from: kafka.fromJoint) else { return "Kafka was not read" }
        facts.sessionsAtDivision = KafkaProcedure.sessions(of: cluster)
        return nil
    }

    func hasBegun(_ fleet: FleetView, _ facts: RunFacts) -> Bool {
        !facts.detached.isEmpty
            || destination.contains { fleet.status($0.host)?.rules.wall == plan.wall(for: $0) }
    }
}
