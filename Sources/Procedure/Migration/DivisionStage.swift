import Settings

/// The division, the same for both strategies; docs/division.md has the argument that nothing is lost in it.
extension MigrationProcedure {
    var division: Stage {
        Stage(
            .division,
            "Divide the joint ensemble",
            confirmation: confirmation,
            inquiry: lookBeforeTheQuestion,
            committedBy: .divisionBegan,
            [
                kafka?.readyToDivide,
                clients?.readyToDivide,
                Step(
                    "division.canary",
                    "The joint ensemble commits, and every seed follows",
                    precheck: isJoint.and(versionsFit),
                    verify: canaryReachesAll,
                    undo: .nothingToUndo,
                    repeats: .until(.divisionBegan)
                ),
                nobodyStays,
                Step(
                    .detach,
                    "Detach the seeds, each when its disk holds all that it acknowledged; wall off the rest",
                    precheck: isJoint.and(disksKeepUp).and(bothSidesConnect).and(peersAreKnown)
                        .or(divisionHasBegun).and(othersAreStopped),
                    act: detachSeeds,
                    verify: seedsAreDetached(butTheLeader: true),
                    undo: .commands(removeWalls, note: "then the seeds start with the joint file again"),
                    isRestingPlace: false,
                    noting: noteDetached
                ),
                Step(
                    "division.split",
                    "Detach a seed that led; see that nothing crosses the wall",
                    act: completeSplit,
                    verify: seedsAreDetached(butTheLeader: false).and(wallsStand).and(nothingCrosses)
                        .and(everyAttemptIsRefused).and(othersAreStopped).within(.seconds(3)),
                    undo: .commands(removeWalls, note: "then the seeds start with the joint file again"),
                    isRestingPlace: false,
                    attempts: 3,
                    noting: noteDetached
                ),
                Step(
                    .commit,
                    "Put the destination's own files back; have every host of it keep wall and hold, whoever dies",
                    act: commit,
                    verify: filesAreOriginal(on: destination).and(isCommitted),
                    undo: .commands(
                        writeJoint(on: joinedDestination) + removeWalls,
                        note: "then the seeds start with the joint file again"
                    ),
                    isRestingPlace: false,
                    attempts: 3
                ),
                Step(
                    .startFirstQuorum,
                    "Start the first quorum: the freshest nodes, and as many more as make a majority",
                    act: startFirst,
                    verify: destinationIsLed.awaitingServing(),
                    undo: .none(because: "past the point of no return once the new leader serves"),
                    isRestingPlace: false,
                    // A stalled election takes two: stop together, start together.
                    attempts: 7,
                    seeing: noteLeader
                ),
                Step(
                    "division.history",
                    "The leader's history holds every node's last transaction",
                    // A leader has served, so that a majority holds its history: any order is safe from here on.
                    act: startIfDown(seeds, isDivided: true),
                    verify: leaderHoldsAll,
                    undo: .none(because: "past the point of no return"),
                    isRestingPlace: false,
                    attempts: 3,
                    // Another attempt would start more nodes behind the wrong leader.
                    endsWhenRefuted: true
                ),
                Step(
                    "division.start-rest",
                    "Start the remaining destination nodes",
                    precheck: wallsStand,
                    act: startIfDown(destination, isDivided: true),
                    verify: whole(destination, as: "destination")
                        .and(runs(destinationView, on: destination, as: "destination")),
                    undo: .none(because: "past the point of no return"),
                    attempts: 3
                ),
                Step(
                    "division.apart",
                    "A canary of each side is seen there and on no node of the other",
                    precheck: wallsStand.and(nothingCrosses),
                    // What has died since the last start: a service manager need not start it again.
                    act: startIfDown(destination, isDivided: true),
                    verify: canariesStayHome.and(wallsStand),
                    undo: .nothingToUndo,
                    attempts: 3,
                    endsWhenRefuted: true
                ),
                kafka?.sessionsAfterDivision,
                nobodyWroteOnTheSource("division.writes"),
            ].compactMap(\.self)
        )
    }

    /// What the operator is asked before the window opens.
    private var confirmation: String {
        """
        Next is the division. \(clientsBefore). From the detaching of the first node until the destination's \
        leader serves, these clients have no ZooKeeper. The point of no return is the moment when that \
        leader serves, a few seconds later: until then `mitosis rollback` goes back to the joint ensemble; after it, \
        only forward.\(comparedAfterwards)
        """
    }

    private var comparedAfterwards: String {
        guard plan.proofs.skipped[.comparison] == nil else { return "" }
        let except = plan.proofs.except.isEmpty ? "" : " (not \(plan.proofs.except.joined(separator: ", ")))"
        return
            " Afterwards both sides' trees are compared from \(plan.proofs.path) on\(except): whoever then still writes there to "
            + "the source stops the run before its clean-up."
    }

    private var clientsBefore: String {
        var moved: [String] = []
        if let kafka = plan.kafka {
            moved.append(
                "Kafka's \(kafka.brokers.count) brokers use \(plan.seedConnectString)\(kafka.chroot) now"
            )
        }
        if let clients {
            moved.append(
                "\(clients.clients.map(\.name).joined(separator: ", ")) \(clients.clients.count == 1 ? "uses" : "use") the "
                    + "seeds\(plan.kafka == nil ? " (\(plan.seedConnectString)) now" : ", too")"
            )
        }
        guard !moved.isEmpty else {
            return "Before it, every client that is to move must use \(plan.seedConnectString) "
                + "(the plan names no Kafka brokers and no other clients, so none is restarted for you)"
        }
        return moved.joined(separator: "; ") + "; every other client that is to move must do so too"
    }
}
