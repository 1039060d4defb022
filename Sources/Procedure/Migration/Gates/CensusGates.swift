import Fleet
import Settings

/// The gate on clients: nobody who holds what moves is left on the source.
extension MigrationProcedure {
    /// Once more, when all else is seen to be ready; nothing is asked in the window.
    var nobodyStays: Step? {
        nobodyIsLeftBehind.map { gate in
            Step(
                "division.clients",
                "Nobody who holds what moves is left on the source",
                verify: withSessions(gate),
                undo: .nothingToUndo,
                repeats: .until(.divisionBegan),
                seeing: noteWindow(plan.censusQuestion)
            )
        }
    }

    /// The first look: nobody is asked about a division that cannot begin.
    ///
    /// Whoever is to move has come to the seeds by now, so that the window is judged for all of them.
    var lookBeforeTheQuestion: Stage.Inquiry {
        guard let gate = nobodyIsLeftBehind else {
            let question = plan.sessionsQuestion
            let sessions = sessionsOutlast(question).within(Self.patience)
            return Stage.Inquiry(sessions, seeing: noteWindow(question)) { _ in "" }
        }
        let question = plan.censusQuestion
        return Stage.Inquiry(withSessions(gate), seeing: noteWindow(question)) { [plan] fleet in
            guard let sighting = fleet.census[question] else { return "" }
            let newcomers = Census(plan, sighting).newcomers
            guard !newcomers.isEmpty else { return "" }
            return "\nConnected to the destination, and not known by the plan: "
                + Census.list(newcomers, most: 10) + ". See that they belong there."
        }
    }

    /// A client on its way from one server to another is back within its session's time.
    private static var patience: Duration { .seconds(40) }

    /// Judged by the same look.
    private func withSessions(_ gate: Gate) -> Gate {
        gate.and(sessionsOutlast(plan.censusQuestion)).within(Self.patience)
    }

    /// Nil when nothing is declared to move.
    var nobodyIsLeftBehind: Gate? {
        guard !plan.census.trees.isEmpty else { return nil }
        let question = plan.censusQuestion
        return Gate(
            "nobody who holds what moves is left on the source",
            looking: Look(census: question),
            deadline: Self.patience,
            interval: .seconds(2)
        ) { fleet, _ in
            guard let sighting = fleet.census[question] else {
                return .waiting(reason: "clients were not looked at")
            }
            let census = Census(plan, sighting)
            guard census.isClear else {
                let said = Census.list(census.left + census.undecided, most: 10, between: "; ")
                let hints = census.hints.map { "; " + $0 }.joined()
                return .waiting(reason: "\(said)\(hints). \(remedy(census))")
            }
            let observed = ([census.summary] + census.notes).joined(separator: "; ")
            guard !census.excused.isEmpty else { return .holds(observed: observed) }
            return .warns(observed: ([observed] + census.excused.prefix(20)).joined(separator: "; "))
        }
    }

    private func remedy(_ census: Census) -> String {
        (census.left.isEmpty ? "See `mitosis clients`, and move" : "Move")
            + " each client that belongs to the destination to \(plan.seedConnectString); one that may stay is named, with a "
            + "reason, under clients.ignore in the plan (a run that has begun keeps its plan: `mitosis rollback` first). Nothing "
            + "was divided"
    }
}
