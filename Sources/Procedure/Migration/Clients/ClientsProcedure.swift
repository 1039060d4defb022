import ControlProtocol
import Fleet
package import Settings
import Topology

/// The part of the procedure that moves clients other than brokers, on one page.
///
/// In the order of the plan, after the brokers, one after another or as many at once as the plan says; each must be back before
/// the next is touched.
package struct ClientsProcedure: Sendable {
    package let plan: MigrationPlan
    package let survey: Survey

    var clients: [PlannedClient] { plan.clients.all }

    var repointing: [Step] {
        batches.map { batch in
            Step(
                StepID("repoint.client-\(batch.number)"),
                "Repoint and restart \(batch.title)",
                precheck: mayBeTouched(on: .destination, upTo: batch.end),
                act: repointNext(upTo: batch.end),
                verify: pausing(moved(atLeast: batch.end, to: .destination)),
                undo: .none(
                    because: "`mitosis rollback` restores the file and restarts the client once more"
                )
            )
        }
    }

    var readyToDivide: Step {
        Step(
            "division.moved-clients",
            "Every client of the plan is at the seeds right before the division",
            verify: moved(atLeast: clients.count, to: .destination),
            undo: .nothingToUndo,
            repeats: .until(.divisionBegan)
        )
    }

    /// It is past the point of no return: the run goes on whatever is seen here.
    var atTheEnd: Step {
        Step(
            "clean-up.clients",
            "Every client of the plan is at the destination",
            verify: servedByTheDestination,
            undo: .nothingToUndo
        )
    }

    /// The mirror of `repointing`.
    ///
    /// A client that the run never restarted is left alone. One that is away already, because the seeds are, may be restarted
    /// whatever is seen of the others.
    var returning: [Step] {
        batches.map { batch in
            Step(
                StepID("withdraw.client-\(batch.number)"),
                "Take back to the source and restart \(batch.title)",
                precheck: mayBeTouched(on: .source, upTo: batch.end),
                act: returnNext(upTo: batch.end),
                verify: moved(atLeast: batch.end, to: .source),
                undo: .none(because: "`mitosis run` repoints it again")
            )
        }
    }

    /// Clients that are restarted at once.
    struct Batch {
        let number: Int
        /// How many clients are dealt with when it is done.
        let end: Int
        let title: String
    }

    var batches: [Batch] {
        stride(from: 0, to: clients.count, by: plan.clients.batch).enumerated().map { index, start in
            let end = min(start + plan.clients.batch, clients.count)
            let what = end == start + 1 ? "a client, \(end)" : "clients at once, \(start + 1) to \(end)"
            let title = "\(what) of \(clients.count), in the order of the plan"
            return Batch(number: index + 1, end: end, title: title)
        }
    }

    /// No client of the plan needs a seed any more.
    var allReturned: Gate { moved(atLeast: clients.count, to: .source) }

    /// Between two looks at who is connected.
    static let interval = Duration.seconds(2)

    /// The same gate, which must hold for the plan's pause; long ones need not be looked at as often.
    func pausing(_ gate: Gate) -> Gate {
        let pause = plan.clients.pause
        return gate.seen(for: pause, every: max(Self.interval, min(.seconds(10), pause / 60)))
    }
}

extension MigrationProcedure {
    /// Nil when the plan moves no clients but brokers.
    var clients: ClientsProcedure? {
        plan.clients.all.isEmpty ? nil : ClientsProcedure(plan: plan, survey: survey)
    }

    /// Nil when nobody is repointed for the operator.
    var repoint: Stage? {
        let steps = (kafka?.repointing ?? []) + (clients?.repointing ?? [])
        guard !steps.isEmpty else { return nil }
        let tests = tests(.joint, in: .repoint, repeats: .until(.divisionBegan))
        return Stage(.repoint, "Repoint: the \(movers) move to the seeds", steps + tests)
    }

    private var movers: String {
        [kafka == nil ? nil : "brokers", clients == nil ? nil : kafka == nil ? "clients" : "other clients"]
            .compactMap(\.self).joined(separator: ", then ")
    }
}
