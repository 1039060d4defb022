import Fleet
import Settings
import Topology

/// Steps that prove what stands: smoke tests of ensembles, and the two sides' trees compared. docs/proofs.md says what each means.
extension MigrationProcedure {
    /// For a server that was just restarted, or a test of before whose sessions have not ended yet.
    private static var smokePatience: Duration { .seconds(30) }

    var smokeTestBefore: Step {
        smokeTest("preflight.smoke", of: source, as: "the source", expiry: .joined)
    }

    var smokeTestJoined: Step {
        smokeTest("join.smoke", of: source + seeds, as: "the joint ensemble", expiry: .divisionBegan)
    }

    var smokeTestAfterWithdrawal: Step { smokeTest("withdraw.smoke", of: source, as: "the source") }

    /// After the return: a source that still runs the joint view has no node to spare for as long as a comparison takes.
    ///
    /// Before the clean-up: until then the walls stand, and the data as it was detached is kept beside the destination's own.
    var proof: Stage {
        Stage(
            .proof,
            "Prove both sides",
            [
                windowCompared,
                smokeTest("proof.source", of: source, as: "the source"),
                smokeTest("proof.destination", of: destination, as: "the destination"),
                Step(
                    "proof.compare",
                    "The destination holds what the source had at the division, on every server",
                    verify: treesAgree("proof.compare"),
                    undo: .nothingToUndo
                ),
            ] + tests(.divided, in: .proof)
        )
    }

    private func smokeTest(
        _ id: StepID,
        of servers: [PlannedServer],
        as name: String,
        expiry: Milestone? = nil
    ) -> Step {
        let title = "\(name) passes a smoke test on each of \(servers.count) servers"
        let gate: Gate
        if let reason = plan.proofs.skipped[.smokeTest] {
            gate = skipped(title, reason)
        } else {
            let question = ProofQuestion.smokeTest(servers: servers, root: smokeRoot)
            gate = Gate(
                title,
                looking: Look(proof: { _ in question }),
                deadline: Self.smokePatience,
                interval: .seconds(2)
            ) { fleet, facts in
                guard let answer = fleet.proofs[question] else { return .waiting(reason: "not tried") }
                switch answer.result {
                case .proven, .partly: return .holds(observed: answer.summary)
                case .refuted, .open:
                    return Self.accepted(answer, id, facts) ?? .waiting(reason: answer.text)
                }
            }
        }
        return Step(
            id,
            "\(name.capitalizedFirst) serves its clients on every server",
            verify: gate,
            undo: .nothingToUndo,
            expiry: expiry
        )
    }

    private func treesAgree(_ id: StepID) -> Gate {
        let title =
            "every node from \(plan.proofs.path) on is alike, but for what is newer than the division on the destination"
            + (plan.proofs.except.isEmpty ? "" : "; not \(plan.proofs.except.joined(separator: ", "))")
        if let reason = plan.proofs.skipped[.comparison] { return skipped(title, reason) }
        return Gate(
            title,
            looking: Look(proof: { ProofQuestion.comparison(comparison($0)) }),
            deadline: plan.deadlines.restart,
            interval: .seconds(5)
        ) { fleet, facts in
            let question = comparison(facts)
            guard let answer = fleet.proofs[.comparison(question)] else {
                return .waiting(reason: "not compared")
            }
            switch answer.result {
            case .proven:
                return question.split == nil
                    ? .warns(
                        observed: answer.summary + "; the last transaction before the division is not known"
                    )
                    : .holds(observed: answer.summary)
            case .partly: return .warns(observed: answer.text)
            case .open: return Self.accepted(answer, id, facts) ?? .waiting(reason: answer.text)
            case .refuted:
                return Self.accepted(answer, id, facts)
                    ?? .never(reason: answer.text + "\n" + whatNow(question.split))
            }
        }
    }

    private func comparison(_ facts: RunFacts) -> TreeQuestion {
        TreeQuestion(
            source: source,
            destination: destination,
            path: plan.proofs.path,
            // What a smoke test that was cut off has left is nobody's data, and the probes' nodes end with the run.
            except: plan.proofs.except + [smokeRoot] + ProbedSide.allCases.map { $0.node(of: plan.name) },
            rate: plan.proofs.rate,
            split: facts.split
        )
    }

    /// Tests of several plans on one source do not meet.
    private var smokeRoot: String { "/mitosis-smoketest-\(plan.name)" }

    private func whatNow(_ split: Zxid?) -> String {
        let words =
            ["mitosis compare \(plan.file)", "--path \(plan.proofs.path)"]
            + plan.proofs.except.map { "--except \($0)" } + (split.map { ["--split \($0)"] } ?? [])
        return
            "The division cannot be taken back. Nothing was cleaned up: the walls stand, and \(names(seeds)) keep their data as it "
            + "was detached in mitosis-* beside version-2. Look with `\(words.joined(separator: " "))`: either somebody was left "
            + "behind on the source and writes there, or the destination lacks writes. `mitosis run` compares again; "
            + "once all of it is understood, `mitosis run --accept 'why'` goes on to the clean-up"
    }

    private func skipped(_ title: String, _ reason: String) -> Gate {
        Gate(title, looking: Look(), deadline: .zero) { _, _ in
            .warns(observed: "not done, as the plan says: \(reason)")
        }
    }

    static func accepted(_ answer: ProofAnswer, _ id: StepID, _ facts: RunFacts) -> Verdict? {
        facts.accepted[id.description].map {
            .warns(observed: "\(answer.text)\naccepted by the operator: \($0)")
        }
    }
}

extension String {
    fileprivate var capitalizedFirst: String { prefix(1).uppercased() + dropFirst() }
}
