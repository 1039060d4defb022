package import Procedure
package import Settings

/// What a report is made of: a run as its journal holds it.
package struct ReportSource: Sendable {
    package let record: RunRecord
    package let entries: [JournalEntry]
    package let ending: RunEnding?
    package let endedAt: Int64?
    /// The run as it began; nil in journals of earlier versions.
    package let beginning: ChainBeginning?
    package let outputs: [StepOutput]
    /// What probes were answered, in the order of their times.
    package let probes: [ProbeSample]
    /// Nil when it is no longer the plan that the run has.
    let procedure: MigrationProcedure?
    let history: RunHistory

    package init(
        record: RunRecord,
        entries: [JournalEntry],
        ending: RunEnding?,
        endedAt: Int64?,
        beginning: ChainBeginning?,
        outputs: [StepOutput] = [],
        probes: [ProbeSample] = [],
        plan: MigrationPlan
    ) {
        self.record = record
        self.entries = entries
        self.ending = ending
        self.endedAt = endedAt
        self.beginning = beginning
        self.outputs = outputs
        self.probes = probes
        procedure =
            plan.digest == record.planDigest ? MigrationProcedure(plan: plan, survey: record.survey) : nil
        history = RunHistory(entries)
    }

    var facts: RunFacts { record.facts }

    /// The last verdict of a step that was done, and not taken back since.
    func observed(_ step: StepID) -> String? {
        guard history.done.contains(step),
            case .done(let observed) = entries.last(where: { $0.step == step })?.verdict
        else { return nil }
        return observed
    }

    /// Every stage that a run of this plan may come through.
    var stages: [Stage] {
        guard let procedure else { return [] }
        let renewals = [[Milestone.divisionBegan], [.originalFilesBack]]
            .compactMap { procedure.renewal(after: Set($0)) }
        return procedure.stages + renewals + [procedure.wayBack, procedure.withdrawal]
    }
}
