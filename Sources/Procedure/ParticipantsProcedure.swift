package import Planning

/// The published mitosis, on one page: stages in order, each step with what must be seen before and after.
///
/// What each gate looks at stands in `EnsembleGates`, `WallGates` and `PreflightGates`; what each step sends
/// stands in `ParticipantsActs`.
package struct ParticipantsProcedure: Sendable {
    package let plan: MigrationPlan
    package let survey: Survey

    package init(plan: MigrationPlan, survey: Survey) {
        self.plan = plan
        self.survey = survey
    }

    /// Nil when the plan has no brokers; then nothing of Kafka is looked at.
    package var kafka: KafkaProcedure? {
        plan.kafka.map { KafkaProcedure(plan: plan, kafka: $0, survey: survey) }
    }

    package var stages: [Stage] {
        let kafka = kafka
        return [
            Stage(
                "preflight",
                "Check before anything changes",
                [
                    Step(
                        "preflight.agents",
                        "Every agent answers",
                        verify: agentsAnswer,
                        undo: .nothingToUndo
                    ),
                    Step(
                        "preflight.probes",
                        "Agents may probe the other side",
                        verify: probesAllowed,
                        undo: .nothingToUndo
                    ),
                    Step(
                        "preflight.rules",
                        "No rule of ours is left over",
                        verify: noRules,
                        undo: .nothingToUndo
                    ),
                    Step(
                        "preflight.files",
                        "Configuration files suit",
                        verify: filesSuit,
                        undo: .nothingToUndo
                    ),
                    Step(
                        "preflight.source",
                        "The source is whole",
                        verify: sourceIsWhole,
                        undo: .nothingToUndo
                    ),
                    Step(
                        "preflight.destination",
                        "The destination is empty and stopped",
                        verify: destinationIsEmpty,
                        undo: .nothingToUndo
                    ),
                ] + (kafka?.preflight ?? [])
            ),
            Stage(
                "join",
                "Replicate: the seeds join the source",
                [
                    Step(
                        "join.configure-seeds",
                        "Write the joint configuration on \(names(seeds))",
                        act: .commands(writeJoint(on: seeds)),
                        verify: filesAreJoint(on: seeds),
                        undo: .commands(restore(seeds), note: "the seeds' own files come back")
                    ),
                    Step(
                        "join.start-seeds",
                        "Start \(names(seeds)) and let them catch up",
                        precheck: whole(source, as: "source"),
                        act: .commands(start(seeds)),
                        verify: whole(source + seeds, as: "joint").and(runs(joint, on: seeds, as: "joint"))
                            .within(plan.deadlines.join),
                        undo: .commands(
                            stop(seeds),
                            note: "the seeds' copies of the data stay on their disks"
                        )
                    ),
                    Step(
                        "join.configure-source",
                        "Write the joint configuration on \(names(source))",
                        act: .commands(writeJoint(on: source)),
                        verify: filesAreJoint(on: source),
                        undo: .commands(restore(source), note: "the source's own files come back")
                    ),
                ]
                    + source.indices.map { index in
                        Step(
                            StepID("join.roll-source-\(index + 1)"),
                            "Restart a source node, \(index + 1) of \(source.count), followers first",
                            precheck: whole(source + seeds, as: "joint").or(oneIsDown(source)),
                            act: rollNext(of: source, to: joint, as: "joint"),
                            verify: atLeast(index + 1, of: source, run: joint, as: "joint")
                                .and(whole(source + seeds, as: "joint")),
                            undo: .none(because: "rolled back by restoring the file and rolling once more")
                        )
                    }
            ),
            kafka?.repoint,
            Stage(
                "division",
                "Divide the joint ensemble",
                confirmation: confirmation,
                committedBy: "division.split",
                [
                    kafka?.readyToDivide,
                    Step(
                        "division.restore-files",
                        "Put the original files back, restart nothing",
                        precheck: whole(source + seeds, as: "joint")
                            .and(runs(joint, on: source + seeds, as: "joint"))
                            .and(othersAreStopped).and(peersAreKnown).and(bothSidesConnect),
                        act: .commands(restore(source + seeds)),
                        verify: filesAreOriginal(on: source + destination),
                        undo: .commands(writeJoint(on: source + seeds), note: "the joint files come back"),
                        isRestingPlace: false
                    ),
                    Step(
                        "division.split",
                        "Cut every destination node off from every source node",
                        precheck: whole(source + seeds, as: "joint").and(bothSidesConnect).or(splitHasBegun)
                            .and(othersAreStopped),
                        act: kafka?.split(raiseWalls) ?? .commands(raiseWalls),
                        verify: wallsStand.and(nothingCrosses(refusedToo: true)),
                        undo: .commands(removeWalls, note: "the joint ensemble heals"),
                        isRestingPlace: false
                    ),
                    Step(
                        "division.restart-seeds",
                        "Restart \(names(seeds + companions)) together, once quiet",
                        precheck: wallsStand.and(nothingCrosses(refusedToo: false)).and(othersAreStopped)
                            .and(cutOffAndQuiet),
                        act: restartSeeds,
                        verify: whole(seeds + companions, as: "destination")
                            .and(runs(destinationView, on: seeds + companions, as: "destination"))
                            .and(leaderIsFresh),
                        undo: .none(
                            because: "past the point of no return once the new leader accepts a write"
                        )
                    ),
                    Step(
                        "division.start-dormant",
                        "Start the remaining destination nodes",
                        precheck: wallsStand.and(
                            whole(seeds + companions, as: "destination", others: dormant)
                        ),
                        act: .commands(start(dormant)),
                        verify: whole(destination, as: "destination")
                            .and(runs(destinationView, on: destination, as: "destination")),
                        undo: .none(because: "past the point of no return")
                    ),
                    kafka?.sessionsAfterDivision,
                ].compactMap(\.self)
            ),
            Stage(
                "return",
                "The source returns to its own view",
                source.indices.map { index in
                    Step(
                        StepID("return.roll-source-\(index + 1)"),
                        "Restart a source node, \(index + 1) of \(source.count), followers first",
                        precheck: wallsStand.and(nothingCrosses(refusedToo: false))
                            .and(sourceServes.or(oneIsDown(source))),
                        act: rollNext(of: source, to: sourceView, as: "source"),
                        verify: atLeast(index + 1, of: source, run: sourceView, as: "source").and(
                            sourceServes
                        ),
                        undo: .none(because: "past the point of no return")
                    )
                }
            ),
            Stage(
                "clean-up",
                "Remove the rules",
                [
                    Step(
                        "clean-up.remove-rules",
                        "Remove every rule",
                        precheck: bothRunTheirOwn.and(nothingCrosses(refusedToo: false)),
                        act: .commands(removeWalls),
                        verify: noRules,
                        undo: .none(because: "two disjoint ensembles need no wall")
                    ),
                    Step(
                        "clean-up.apart",
                        "Both ensembles stay apart without rules",
                        verify: staysApart,
                        undo: .nothingToUndo
                    ),
                    kafka?.sessionsAtTheEnd,
                ].compactMap(\.self)
            ),
        ].compactMap(\.self)
    }

    /// What a run does first when it goes on after a stop or a crash, before the steps that are left.
    ///
    /// Standing conditions may have been lost meanwhile: rules do not survive a reboot, and another tool may have
    /// flushed them. Original files must not lie under joint processes longer than a division takes.
    package func renewal(done: Set<StepID>, begun: Set<StepID>) -> Stage? {
        var steps: [Step] = []
        if begun.contains("division.split"), !begun.contains("clean-up.remove-rules") {
            steps.append(
                Step(
                    "renewal.raise-walls",
                    "See that every wall still stands",
                    act: .commands(raiseWalls),
                    verify: wallsStand.and(nothingCrosses(refusedToo: false)),
                    undo: .commands(removeWalls, note: "the joint ensemble heals"),
                    isRestingPlace: false
                )
            )
        }
        if done.contains("division.restore-files"), !begun.contains("division.split") {
            steps.append(
                Step(
                    "renewal.joint-files",
                    "Put the joint files back until the division begins",
                    act: .commands(writeJoint(on: source + seeds)),
                    verify: filesAreJoint(on: source + seeds),
                    undo: .commands(restore(source + seeds), note: "the original files come back")
                )
            )
        }
        return steps.isEmpty ? nil : Stage("renewal", "Renew what a stop may have undone", steps)
    }

    /// What the operator is asked before the window opens.
    private var confirmation: String {
        """
        Next is the division. \(clientsBefore). From the split until the destination's \
        leader serves, these clients have no ZooKeeper. The point of no return is the first write that \
        the destination's new leader accepts, a few seconds later: until then the way back is to lift the rules and restart \
        the destination with the joint configuration; after it, only forward.
        """
    }

    private var clientsBefore: String {
        guard let kafka = plan.kafka else {
            return "Before it, every client that is to move must use \(seedConnectString) "
                + "(this version does not restart Kafka's brokers for you)"
        }
        return "Kafka's \(kafka.brokers.count) brokers use \(seedConnectString)\(kafka.chroot) now; every other client "
            + "that is to move must do so too"
    }
}
