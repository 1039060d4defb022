import Settings

/// The published mitosis, on one page: the seeds join the source as voters, and both sides get their own view back.
extension MigrationProcedure {
    var participantsStages: [Stage] {
        [
            preflight,
            Stage(
                .join,
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
                        "Start \(names(firstSeeds)) and let \(firstSeeds.count == 1 ? "it" : "them") catch up",
                        precheck: whole(source, as: "source"),
                        act: .commands(start(firstSeeds)),
                        verify: whole(source + firstSeeds, as: "joint")
                            .and(runs(joint, on: firstSeeds, as: "joint"))
                            .and(areAlike(source + firstSeeds)).within(plan.deadlines.join),
                        undo: .commands(
                            stop(firstSeeds),
                            note: "the seeds' copies of the data stay on their disks"
                        ),
                        noting: noteStarted,
                        seeing: noteServing
                    ),
                    Step(
                        .holdLaterSeeds,
                        "Keep \(names(laterSeeds)) stopped until every source node runs the joint view",
                        act: stopLaterSeeds,
                        verify: noMajoritiesApart,
                        undo: .nothingToUndo,
                        // A host that boots may have started one since.
                        repeats: .until(.joined),
                        expiry: .joined
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
                            precheck: rollGoesOn.or(oneIsDown(source)).and(noMajoritiesApart),
                            act: rollNext(of: source, to: joint, as: "joint", beside: seeds),
                            verify: atLeast(index + 1, of: source, run: joint, as: "joint").and(rollGoesOn),
                            undo: .none(because: "`mitosis rollback` restores the file and rolls once more")
                        )
                    }
                    + leadFromSource + [smokeTestJoined, windowPredicted] + testsJoined
            ),
            repoint,
            division,
            Stage(
                .return,
                "The source returns to its own view",
                [
                    Step(
                        "return.files",
                        "Put the source's own files back, restart nothing",
                        precheck: wallsStand,
                        act: .commands(restore(source)),
                        verify: filesAreOriginal(on: source),
                        undo: .none(because: "past the point of no return"),
                        isRestingPlace: false
                    )
                ]
                    + source.indices.map { index in
                        Step(
                            StepID("return.roll-source-\(index + 1)"),
                            "Restart a source node, \(index + 1) of \(source.count), followers first",
                            precheck: wallsStand.and(nothingCrosses).and(sourceServes.or(oneIsDown(source))),
                            act: rollNext(of: source, to: sourceView, as: "source"),
                            verify: atLeast(index + 1, of: source, run: sourceView, as: "source")
                                .and(sourceServes).and(wallsStand),
                            undo: .none(because: "past the point of no return")
                        )
                    }
            ),
            proof,
            cleanUp,
        ].compactMap(\.self)
    }

    /// A seed has the highest id and wins the election that the last restart of a source node begins.
    ///
    /// Were it still the leader at the division, the source would be interrupted there. Nobody uses the seeds yet, so
    /// this is the moment to stop them for as long as the source needs to elect one of its own. Those that were held back start with them.
    private var leadFromSource: [Step] {
        [
            Step(
                "join.stop-leading-seed",
                "Stop the seeds if one of them leads, so that the source elects a node of its own",
                act: stopSeedsIfOneLeads,
                verify: leadsFrom(source, among: joint),
                undo: .commands(start(seeds), note: "the seeds start again"),
                isRestingPlace: false
            ),
            Step(
                .startSeedsAgain,
                "Start the seeds that do not run and let them catch up",
                precheck: leadsFrom(source, among: joint),
                act: startIfDown(seeds),
                verify: whole(source + seeds, as: "joint").and(runs(joint, on: source + seeds, as: "joint"))
                    .and(leadsFrom(source, among: joint)).and(areAlike(source + seeds))
                    .within(plan.deadlines.join),
                undo: .commands(stop(seeds), note: "the seeds' copies of the data stay on their disks"),
                noting: noteStarted,
                seeing: noteServing
            ),
        ]
    }
}
