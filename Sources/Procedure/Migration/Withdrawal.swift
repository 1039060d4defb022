import ControlProtocol
import Fleet
import Settings
import Topology

/// The way back from the joint ensemble, whole or in the making, to what was before the run: on one page.
///
/// Acts decide on what is observed: what was never changed is left alone. docs/division.md has what survives a crash of each.
extension MigrationProcedure {
    package var withdrawal: Stage {
        let steps: [[Step]] = [
            [possible],
            kafka?.returning ?? [],
            clients?.returning ?? [],
            changesSource ? [startSource] : [],
            [stopDestination],
            changesSource ? sourceAlone : [],
            [destinationBack, noRulesLeft],
            changesSource ? [] : [sourceWasLeftAlone],
            [smokeTestAfterWithdrawal, asBefore],
        ]
        return Stage(
            .withdraw,
            "Take everything back to what was before the run",
            confirmation: withdrawalQuestion,
            committedBy: .withdrawBegan,
            steps.flatMap(\.self)
        )
    }

    private var possible: Step {
        Step(
            .withdrawPossible,
            "Nothing is divided, and the destination never led",
            verify: changesSource
                ? neverLed.and(noneIsDetached).and(commitsAreSafe) : neverLed.and(noneIsDetached),
            undo: .nothingToUndo,
            repeats: .until(.withdrawBegan)
        )
    }

    /// Observers leave the source alone.
    private var changesSource: Bool {
        switch plan.strategy {
        case .participants: true
        case .observers: false
        }
    }

    /// A roll that was cut off may have left one stopped, or without a leader that it knows; without the seeds it will be missed.
    private var startSource: Step {
        Step(
            "withdraw.start-source",
            "Start source nodes that do not run, or know nobody who leads",
            act: startIfDownOrStranded,
            verify: allServe(source, as: "source"),
            undo: .nothingToUndo
        )
    }

    private var stopDestination: Step {
        let clientsAreBack = [
            // Who leads, and who runs which view, may have changed since it was asked first.
            changesSource ? allServe(source, as: "source").and(commitsAreSafe) : nil, kafka?.allReturned,
            clients?.allReturned,
        ]
        .compactMap(\.self)
        let precheck = clientsAreBack.dropFirst().reduce(clientsAreBack.first) { $0?.and($1) }
        return Step(
            "withdraw.stop-seeds",
            "Stop every destination node",
            precheck: precheck.map { $0.or(destinationIsStopped) },
            act: stopIfNotStopped(destination),
            verify: changesSource
                ? destinationIsStopped.and(sourceServes.or(oneIsDown(source))) : destinationIsStopped,
            undo: .none(because: "`mitosis run` starts them again"),
            // One may have come up by itself since.
            repeats: .until(.rulesRemovalBegan)
        )
    }

    /// The source gets its own view back, with the seeds out of reach.
    private var sourceAlone: [Step] {
        [
            Step(
                "withdraw.walls",
                "Wall \(names(destination)) off, so that none of them votes by accident",
                precheck: destinationIsStopped,
                act: .commands(
                    destination.map {
                        HostCommand($0.host, .installWall(wall: barrier($0), holding: [$0.service]))
                    }
                ),
                verify: barriersStand.and(destinationIsStopped),
                undo: .commands(removeWalls, note: "the rules go"),
                // A reboot may have taken them.
                repeats: .until(.rulesRemovalBegan)
            ),
            Step(
                "withdraw.files",
                "Put the source's own files back, restart nothing",
                precheck: barriersStand.and(destinationIsStopped),
                act: putBack(source),
                verify: filesAreOriginal(on: source),
                undo: .none(because: "`mitosis run` writes the joint ones anew")
            ),
        ]
            + source.indices.map { index in
                Step(
                    StepID("withdraw.roll-source-\(index + 1)"),
                    "Restart a source node that runs the joint view, \(index + 1) of \(source.count), followers first",
                    precheck: barriersStand.and(destinationIsStopped)
                        .and(sourceServes.or(oneIsDown(source))),
                    act: rollNext(of: source, to: sourceView, as: "source"),
                    verify: atLeast(index + 1, of: source, run: sourceView, as: "source")
                        .and(sourceServes).and(barriersStand),
                    undo: .none(because: "`mitosis run` rolls them again")
                )
            }
    }

    private var destinationBack: Step {
        Step(
            "withdraw.seeds",
            "Move the data of \(names(seeds)) aside, put the destination's own files back",
            precheck: destinationIsStopped,
            act: takeDestinationBack,
            verify: filesAreOriginal(on: destination).and(seedsAreEmpty).and(destinationIsStopped),
            undo: .none(because: "`mitosis run` lets them join anew"),
            // A host that boots may have begun a history of its own.
            repeats: .until(.rulesRemovalBegan)
        )
    }

    private var noRulesLeft: Step {
        Step(
            .removeBarrier,
            "Remove every rule",
            precheck: changesSource
                ? destinationIsStopped.and(whole(source, as: "source"))
                    .and(runs(sourceView, on: source, as: "source"))
                : destinationIsStopped,
            act: .commands(removeWalls),
            verify: noRules,
            undo: .none(because: "nothing is left to be kept apart")
        )
    }

    private var sourceWasLeftAlone: Step {
        Step(
            "withdraw.source",
            "Every source node runs the process and has the file that it had before",
            verify: sourceIsUntouched,
            undo: .nothingToUndo
        )
    }

    private var asBefore: Step {
        Step(
            .withdrawProof,
            "Look for every known trap, as before the run",
            verify: Gate(Preflight(plan: plan, survey: survey)),
            undo: .nothingToUndo
        )
    }

    /// What the operator is asked before anything is taken back.
    private var withdrawalQuestion: String {
        let brokers =
            kafka == nil
            ? ""
            : "Brokers that were moved go back to the source, one by one, the controller last, each gated on no under-replicated "
                + "partition. "
        let others =
            clients.map {
                "\($0.clients.map(\.name).joined(separator: ", ")) \($0.clients.count == 1 ? "goes" : "go") back, each gated on "
                    + "its connections. "
            } ?? ""
        let rest =
            "Every \(kafka == nil && clients == nil ? "" : "other ")client that uses \(plan.seedConnectString) must be back at the "
            + "source before you answer."
        return """
            Next, all that this run has changed is taken back, until everything is as it was before it. \(brokers)\(others)\(rest) \(servers) \
            Then the destination's own files come back, its data is moved aside, and the checks of the preflight say that all \
            is as it was. It may be stopped and gone on with by `mitosis rollback`; `mitosis run` begins anew when it has \
            come to its end.
            """
    }

    private var servers: String {
        guard changesSource else {
            return "\(names(destination)) are stopped; the source is neither changed nor restarted."
        }
        let spare = source.count - Ensemble.majority(of: joint.count)
        return
            "\(names(seeds)) are stopped and walled off, the source's own files come back, and its nodes that run the joint view "
            + "are restarted one by one, the leader last."
            + (spare > 0
                ? ""
                : " Until most of them run their own view the source has no node to spare: each restart interrupts its clients "
                    + "for as long as it takes.")
    }
}
