import Fleet
import Settings

/// The look for writes into what has moved on the source.
extension MigrationProcedure {
    /// Nil when nothing is declared to move.
    ///
    /// Stops nothing: it is past the point of no return, and what was written there does not come back by waiting.
    func nobodyWroteOnTheSource(_ id: StepID) -> Step? {
        let trees = plan.census.trees
        guard !trees.isEmpty else { return nil }
        return Step(
            id,
            "Nobody writes on the source into what has moved",
            verify: Gate(
                "no write into \(Census.list(trees)) on the source since the division",
                looking: Look(wrongSide: { [plan] in WrongSide(plan, $0) }),
                deadline: .seconds(30)
            ) { fleet, facts in
                guard let side = fleet.wrongSide else {
                    return .warns(
                        observed: facts.split == nil
                            ? "not looked for: the journal lacks the last transaction before the division"
                            : "not looked for"
                    )
                }
                return side.isClear && side.doubt == nil
                    ? .holds(observed: side.summary) : .warns(observed: side.summary)
            },
            undo: .nothingToUndo,
            seeing: { fleet, facts in
                guard let side = fleet.wrongSide, side.count > 0 else { return }
                facts.wrongSide = side.findings
            }
        )
    }
}
