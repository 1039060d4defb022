import ControlProtocol
import Fleet
import Settings
import SystemCalls

/// Until every destination host has committed, each undoes its part by itself when no coordinator comes; docs/division.md.
extension MigrationProcedure {
    /// Seconds: longer than leases take to be renewed while a host does not answer, and than an end that hangs.
    private static var shortestLapse: Int { 60 }

    /// What undoes the division on this host, as `rollback` would.
    func lapse(of server: PlannedServer) -> LapseRequest {
        let twice = 2 * plan.deadlines.division.milliseconds / 1000
        let seconds = min(max(twice, Self.shortestLapse), LapseRequest.bounds.upperBound)
        let files = writeJoint(on: joined.filter { $0.host == server.host }).compactMap {
            command -> FileWrite? in
            guard case .writeFile(let write) = command.command else { return nil }
            return write
        }
        return LapseRequest(
            seconds: seconds,
            files: files,
            starts: seeds.contains { $0.host == server.host }
        )
    }

    /// The destination's own files come back here and not before: where they lie, its order is on the host's disk, so that a host that
    /// reboots starts nothing with them by itself.
    var commit: Act {
        .decided(
            summary:
                "put the own files of \(names(joinedDestination)) back and have \(names(destination)) keep wall and "
                + "hold whatever happens from now on",
            by: { fleet, facts in
                if let silent = destination.lazy.compactMap({ fleet.silence($0.host) }).first {
                    return .wait(because: silent)
                }
                if let reason = givenUp(fleet) { return .stop(because: reason) }
                let provisional = destination.filter { fleet.status($0.host)?.order?.phase == .provisional }
                // Of agents that keep no orders, or that were ordered for good.
                let others = joinedDestination.filter { server in
                    !provisional.contains { $0.host == server.host }
                        && fleet.zookeeper(server.host)?.file.digest != survey.file(of: server.host)?.digest
                }
                guard !provisional.isEmpty || !others.isEmpty else {
                    return .nothingToDo(because: "no host would go back by itself")
                }
                return .act(
                    provisional.map { HostCommand($0.host, .keepOrder(restoring: ownFile(of: $0))) }
                        + restore(others),
                    because: "\(names(provisional + others)) would go back by themselves",
                    noting: facts
                )
            },
            looking: Look(hosts: destination.map(\.host))
        )
    }

    /// Nil where the run has not written to it.
    private func ownFile(of server: PlannedServer) -> [FileRestore]? {
        guard joinedDestination.contains(where: { $0.host == server.host }) else { return nil }
        return [FileRestore(path: server.configPath)]
    }

    /// Destination nodes whose files are the joint ones until the commitment.
    var joinedDestination: [PlannedServer] {
        joined.filter { server in destination.contains { $0.host == server.host } }
    }

    /// Every host has said that it does not go back: only now may a node start that the others must not desert.
    var isCommitted: Gate {
        Gate(
            "every destination host keeps wall and hold",
            hosts: destination.map(\.host),
            deadline: plan.deadlines.division
        ) { [destination] fleet, _ in
            if let reason = givenUp(fleet) { return .never(reason: reason) }
            for server in destination {
                if let silence = fleet.silence(server.host) { return .waiting(reason: silence) }
                if fleet.status(server.host)?.order?.unreadable != nil {
                    return .never(
                        reason:
                            "\(server.host): its order cannot be read: `mitosis-agent orders list` there says why"
                    )
                }
                if fleet.status(server.host)?.order?.phase == .provisional {
                    return .waiting(reason: "\(server.host) may still go back by itself")
                }
            }
            return .holds(observed: "\(destination.count) hosts")
        }
    }

    /// For a run that goes on before it has committed.
    var noneWentBack: Gate {
        Gate(
            "no destination host has gone back by itself",
            hosts: destination.map(\.host),
            deadline: plan.deadlines.restart
        ) { [destination] fleet, _ in
            if let silent = destination.lazy.compactMap({ fleet.silence($0.host) }).first {
                return .waiting(reason: silent)
            }
            if let reason = givenUp(fleet) { return .never(reason: reason) }
            return .holds(observed: "\(destination.count) hosts")
        }
    }

    /// Why there is no way forward any more, when a host has gone back by itself.
    private func givenUp(_ fleet: FleetView) -> String? {
        let back = destination.filter { hasGivenUp($0, fleet) }
        guard !back.isEmpty else { return nil }
        return
            "no coordinator was heard for too long, and \(names(back)) went back to the joint ensemble: `mitosis rollback "
            + "--to joint` brings the others back, then `mitosis run` divides anew"
    }

    /// Its order was taken back by the host itself, or is about to be.
    ///
    /// It never started with its own view: an agent refuses that before the commitment, and a committed order never lapses.
    func hasGivenUp(_ server: PlannedServer, _ fleet: FleetView) -> Bool {
        fleet.status(server.host)?.order?.phase?.isGivenUp == true
    }
}
