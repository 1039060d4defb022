package import Settings

/// A migration as an array of stages, each an array of steps, each with what must be seen before and after.
///
/// `ParticipantsStages` and `ObserversStages` are the procedures on a page each; what both have stands in `DivisionStage` and
/// `SharedStages`, and the way back in `WayBack`. What each gate looks at stands in the files of gates, what each
/// step sends in the files of acts.
package struct MigrationProcedure: Sendable {
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

    var repoint: Stage? {
        kafka?.repoint(then: tests(.joint, in: .repoint, repeats: .until(.divisionBegan)))
    }

    package var stages: [Stage] {
        switch plan.strategy {
        case .participants: participantsStages
        case .observers: observersStages
        }
    }

    /// What a run does first when it goes on after a stop or a crash, before the steps that are left.
    ///
    /// Standing conditions may have been lost meanwhile: rules do not survive a reboot, and another tool may have
    /// flushed them. Original files must not lie under joint processes longer than a division takes.
    package func renewal(after passed: Set<Milestone>) -> Stage? {
        var steps: [Step] = []
        if passed.contains(.divisionBegan), !passed.contains(.startBegan) {
            steps.append(
                Step(
                    "renewal.orders",
                    "See that no destination host has gone back by itself",
                    verify: noneWentBack,
                    undo: .nothingToUndo,
                    isRestingPlace: false,
                    repeats: .always
                )
            )
        }
        if passed.contains(.divisionBegan), !passed.contains(.rulesRemovalBegan) {
            steps.append(
                Step(
                    "renewal.raise-walls",
                    "See that the wall of every detached node still stands",
                    act: raiseStandingWalls(holding: !passed.contains(.startBegan)),
                    verify: detachedAreWalled,
                    undo: .commands(removeWalls, note: "the joint ensemble heals"),
                    isRestingPlace: false,
                    repeats: .always
                )
            )
        }
        if passed.contains(.originalFilesBack), !passed.contains(.divisionBegan) {
            steps.append(
                Step(
                    "renewal.joint-files",
                    "Put the joint files back until the division begins",
                    act: .commands(writeJoint(on: joined)),
                    verify: filesAreJoint(on: joined),
                    undo: .commands(restore(joined), note: "the original files come back"),
                    repeats: .always
                )
            )
        }
        return steps.isEmpty ? nil : Stage(.renewal, "Renew what a stop may have undone", steps)
    }
}
