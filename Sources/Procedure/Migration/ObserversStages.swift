import Settings

/// The observer variant, on one page: every destination node follows the source without a vote, and the source is neither
/// changed nor restarted.
extension MigrationProcedure {
    var observersStages: [Stage] {
        [
            preflight,
            Stage(
                .join,
                "Replicate: the destination observes the source",
                [
                    Step(
                        "join.configure-observers",
                        "Write the observers' configuration on \(names(destination))",
                        act: noteSource(then: writeJoint(on: destination)),
                        verify: filesAreJoint(on: destination),
                        undo: .commands(restore(destination), note: "the destination's own files come back")
                    ),
                    Step(
                        .startObservers,
                        "Start \(names(destination)) and let them catch up",
                        precheck: whole(source, as: "source"),
                        act: .commands(start(destination)),
                        verify: whole(source, as: "source").and(observing)
                            .and(runs(joint, on: destination, as: "observers'"))
                            .and(areAlike(source + destination)).within(plan.deadlines.join),
                        undo: .commands(
                            stop(destination),
                            note: "the observers' copies of the data stay on their disks"
                        ),
                        noting: noteStarted,
                        seeing: noteServing
                    ),
                    smokeTestJoined,
                    windowPredicted,
                ] + testsJoined
            ),
            repoint,
            division,
            proof,
            cleanUp,
        ].compactMap(\.self)
    }
}
