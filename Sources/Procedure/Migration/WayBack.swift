import ControlProtocol
import Fleet
import Settings
import Topology

/// The way back from a division whose destination has no leader yet: to the joint ensemble, on one page.
///
/// Every acknowledged write is in the joint ensemble, so that whatever the detached nodes hold beyond it may go.
extension MigrationProcedure {
    /// After its first two steps `mitosis run` may still go forward, to a leader even: a rollback looks at them anew.
    package var wayBack: Stage {
        Stage(
            .rollback,
            "Go back to the joint ensemble",
            [
                Step(
                    "rollback.possible",
                    "The destination has no leader and never had one",
                    verify: neverLed,
                    undo: .nothingToUndo,
                    repeats: .until(.wayBackBegan)
                ),
                Step(
                    "rollback.stop",
                    "Stop every destination node that is not attached to the source any more",
                    act: stopDetached,
                    verify: noneRunsItsOwn.and(neverLed),
                    undo: .none(because: "`mitosis run` starts them again"),
                    isRestingPlace: false,
                    repeats: .until(.wayBackBegan)
                ),
                Step(
                    .returnToJointFiles,
                    "Write the joint configuration on \(names(joined))",
                    act: .commands(writeJoint(on: joined)),
                    verify: filesAreJoint(on: joined),
                    undo: .commands(restore(joined), note: "the original files come back"),
                    isRestingPlace: false
                ),
                Step(
                    .setAside,
                    "Move data aside that the source's leader would refuse",
                    precheck: sourceServes.or(attachedSeedLeads),
                    act: setAsideTooNew,
                    verify: noneRunsItsOwn,
                    undo: .none(because: "the node takes its data from the source again"),
                    isRestingPlace: false
                ),
                Step(
                    .openWalls,
                    "Remove every rule",
                    precheck: noneRunsItsOwn,
                    act: .commands(removeWalls),
                    verify: noRules,
                    undo: .commands(raiseWalls, note: "the walls stand again"),
                    isRestingPlace: false
                ),
                Step(
                    .rejoin,
                    "Start \(names(seeds)) with the joint configuration",
                    act: rejoin,
                    verify: isJoint.within(plan.deadlines.join),
                    undo: .nothingToUndo
                ),
            ]
        )
    }

    private var stopDetached: Act {
        .decided(
            summary: "stop those of \(names(destination)) that run and are not attached to the source",
            by: { fleet, facts in
                if let silent = destination.lazy.compactMap({ fleet.silence($0.host) }).first {
                    return .wait(because: silent)
                }
                let attached = Set(attached(fleet, facts).map(\.host))
                let own = destination.filter { server in
                    fleet.zookeeper(server.host)?.state != .stopped && !attached.contains(server.host)
                }
                return own.isEmpty
                    ? .nothingToDo(because: "none of them runs")
                    : .act(stop(own), because: "to be stopped: \(names(own))", noting: facts)
            },
            looking: Look(hosts: destination.map(\.host))
        )
    }

    /// A node that has promised itself to an epoch above the source's could not follow the source's leader.
    ///
    /// Its epoch files are never edited: it begins with no data.
    private var setAsideTooNew: Act {
        .decided(
            summary:
                "move the data aside of those of \(names(seeds)) whose acceptedEpoch is above the source's epoch",
            by: { fleet, facts in
                let hosts = source + seeds
                if let silent = hosts.lazy.compactMap({ fleet.silence($0.host) }).first {
                    return .wait(because: silent)
                }
                let epochs = source.compactMap { fleet.zookeeper($0.host)?.data.currentEpoch }
                guard let epoch = epochs.max() else {
                    return .wait(because: "the source's epoch is not known")
                }
                let tooNew = seeds.filter { seed in
                    guard let zookeeper = fleet.zookeeper(seed.host), zookeeper.state == .stopped else {
                        return false
                    }
                    return (zookeeper.data.acceptedEpoch ?? 0) > epoch
                }
                guard !tooNew.isEmpty else {
                    return .nothingToDo(because: "no acceptedEpoch is above \(epoch)")
                }
                return .act(
                    tooNew.map {
                        HostCommand($0.host, .setAside(request: SetAsideRequest(service: $0.service)))
                    },
                    because: "acceptedEpoch above \(epoch): \(names(tooNew))",
                    noting: facts
                )
            },
            looking: Look(hosts: (source + seeds).map(\.host))
        )
    }

    private var rejoin: Act {
        .decided(
            summary: "start \(names(seeds))",
            by: { [seeds] _, facts in
                var forgotten = facts
                forgotten.detached = [:]
                forgotten.sessionsAtDivision = [:]
                forgotten.windowOpenedAt = nil
                return .act(start(seeds), because: "the division is taken back", noting: forgotten)
            },
            looking: Look()
        )
    }

    /// A seed that leads the joint ensemble is detached last; its coordinator may have died before that.
    private var attachedSeedLeads: Gate {
        Gate(
            "or a seed that is still attached leads the source",
            hosts: (source + seeds).map(\.host),
            deadline: plan.deadlines.restart
        ) { [source] fleet, facts in
            let leaders = attached(fleet, facts).filter { fleet.stats($0.host)?.role == .leader }
            guard leaders.count == 1, let leader = leaders.first else {
                return .waiting(reason: "no seed that is still attached leads")
            }
            let serving = source.filter { fleet.stats($0.host) != nil }
            guard serving.count > source.count / 2 else {
                return .waiting(reason: "\(serving.count) of \(source.count) source nodes serve")
            }
            return .holds(
                observed: "\(leader.host) leads, \(serving.count) of \(source.count) source nodes serve"
            )
        }
    }

    /// No destination node serves with its own view, and none has ever followed a leader with it.
    var neverLed: Gate {
        Gate(
            "the destination has no leader and never had one",
            hosts: destination.map(\.host),
            deadline: plan.deadlines.restart
        ) { [destination, destinationView, seeds] fleet, facts in
            for server in destination {
                if let silence = fleet.silence(server.host) { return .waiting(reason: silence) }
                guard let zookeeper = fleet.zookeeper(server.host), !hasGivenUp(server, fleet) else {
                    continue
                }
                if Self.runs(destinationView, zookeeper), let stats = zookeeper.stats {
                    return .never(
                        reason:
                            "\(server.host) is a \(stats.role.rawValue) of the destination: the point of no return is "
                            + "passed, clients may have seen its epoch. Go on with `mitosis run`"
                    )
                }
                let isSeed = seeds.contains { $0.host == server.host }
                guard let end = facts.end(of: server.host) else {
                    if isSeed || zookeeper.data.isEmpty { continue }
                    return .never(reason: Self.hasFollowed(server))
                }
                if let current = zookeeper.data.end, current.epoch > end.epoch {
                    return .never(reason: Self.hasFollowed(server))
                }
            }
            return .holds(observed: "no destination node has followed a leader of its own side")
        }
    }

    private static func hasFollowed(_ server: PlannedServer) -> String {
        "\(server.host) has followed a leader of the destination: the point of no return is passed. Go on with "
            + "`mitosis run`"
    }

    private var noneRunsItsOwn: Gate {
        Gate(
            "no destination node runs but those that are attached to the source",
            hosts: destination.map(\.host),
            deadline: plan.deadlines.restart
        ) { [destination] fleet, facts in
            let attached = Set(attached(fleet, facts).map(\.host))
            for server in destination where !attached.contains(server.host) {
                if let silence = fleet.silence(server.host) { return .waiting(reason: silence) }
                let zookeeper = fleet.zookeeper(server.host)
                // A host has started it again by itself, and the order that said so is gone with its rules.
                if zookeeper?.pid != nil, Self.runs(joint, zookeeper) { continue }
                guard zookeeper?.state == .stopped else {
                    return .waiting(reason: "\(server.host) is not stopped")
                }
            }
            return .holds(observed: "\(destination.count - attached.count) nodes are stopped")
        }
    }
}
