import Fleet
import Settings

/// Steps that run the operator's own tests; what fails keeps the run from going on at that place.
extension MigrationProcedure {
    /// The tests of one moment, each a step of the stage that comes to its end there; none where the plan has none.
    ///
    /// - Parameter repeats: whether they are run again when the run goes on.
    func tests(_ moment: PlannedTest.Moment, in stage: StageName, repeats: Step.Repetition = .never) -> [Step]
    {
        plan.tests.enumerated().filter { $0.element.moments.contains(moment) }.map { index, test in
            Step(
                StepID("\(stage).test-\(index + 1)"),
                "Your own test '\(test.name)' passes",
                verify: passes(test, moment, StepID("\(stage).test-\(index + 1)")),
                undo: .nothingToUndo,
                repeats: repeats
            )
        }
    }

    /// At the end of the join, and once more before the division's question: by then it may be the next day.
    var testsJoined: [Step] {
        let isAnybodyRepointed = kafka != nil || clients != nil
        return
            tests(.joint, in: .join, repeats: isAnybodyRepointed ? .never : .until(.divisionBegan))
    }

    private func passes(_ test: PlannedTest, _ moment: PlannedTest.Moment, _ id: StepID) -> Gate {
        let question = ProofQuestion.test(test, moment: moment)
        return Gate(
            "`\(test.command.joined(separator: " "))` ends with status 0 on this machine, within \(test.limit)",
            looking: Look(proof: { _ in question }),
            deadline: .zero
        ) { fleet, facts in
            guard let answer = fleet.proofs[question] else { return .never(reason: "not run") }
            switch answer.result {
            case .proven, .partly: return .holds(observed: answer.summary)
            case .refuted, .open:
                return Self.accepted(answer, id, facts)
                    ?? .never(
                        reason: answer.text
                            + "\nThe run does not go on from here: mend what it shows and say `mitosis run`, which runs the test again; "
                            + "or `mitosis run --accept 'why'`"
                    )
            }
        }
    }
}
