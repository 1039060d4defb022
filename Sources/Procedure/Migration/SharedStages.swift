import ControlProtocol
import Fleet
import Settings

/// The stages that both strategies begin and end with.
extension MigrationProcedure {
    var preflight: Stage {
        Stage(
            .preflight,
            "Check before anything changes",
            [
                Step(
                    "preflight.checks",
                    "Look for every known trap",
                    verify: Gate(Preflight(plan: plan, survey: survey)),
                    undo: .nothingToUndo
                ),
                smokeTestBefore,
            ] + tests(.before, in: .preflight)
        )
    }

    var cleanUp: Stage {
        Stage(
            .cleanUp,
            "Remove the rules",
            [
                Step(
                    .removeRules,
                    "Remove every rule",
                    precheck: bothRunTheirOwn.and(nothingCrosses),
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
                Step(
                    "clean-up.canary",
                    "A canary of each side is seen there and on no node of the other, without rules",
                    verify: canariesStayHome,
                    undo: .nothingToUndo
                ),
                sourceStaysUntouched,
                Step(
                    "clean-up.discard-copies",
                    "Remove the copies of the data that were kept for the division",
                    act: .commands(seeds.map { HostCommand($0.host, .discardCopy) }),
                    verify: whole(destination, as: "destination"),
                    undo: .none(because: "the destination's own data holds everything")
                ),
                kafka?.sessionsAtTheEnd,
                clients?.atTheEnd,
                completeConnectStrings,
            ].compactMap(\.self) + restartCompleted + tests(.after, in: .cleanUp)
                // Restarts and tests may take hours: what was written meanwhile counts as well.
                + [nobodyWroteOnTheSource("clean-up.writes")].compactMap(\.self)
        )
    }

    private var sourceStaysUntouched: Step? {
        switch plan.strategy {
        case .participants: nil
        case .observers:
            Step(
                "clean-up.source",
                "Every source node runs the process and has the file that it had before",
                verify: sourceIsUntouched,
                undo: .nothingToUndo
            )
        }
    }
}
