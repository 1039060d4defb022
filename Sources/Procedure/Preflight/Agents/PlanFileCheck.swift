import Settings

extension Check {
    package static func planFile(_ subject: SurveyedPlan) -> Check {
        let plan = subject.plan
        return Check(
            .planFile,
            "the plan file can be used",
            remedy: "Correct the plan file; docs/plan-file.md describes it",
            looking: Look()
        ) { _, _ in
            .holds(
                observed:
                    "\(plan.strategy.rawValue), \(plan.source.count) + \(plan.destination.count) servers"
                    + (plan.brokers.isEmpty ? "" : ", \(plan.brokers.count) brokers")
            )
        }
    }
}
