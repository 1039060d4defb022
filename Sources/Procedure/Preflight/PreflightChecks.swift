import Settings

/// The preflight: every check of a plan, in the order in which they are shown.
///
/// A check is a file of this folder's groups; docs/plan-file.md lists them for operators.
extension Check: CheckCatalog {
    static func all(of plan: SurveyedPlan, kafka: KafkaProcedure?) -> [Check] {
        CheckName.allCases.compactMap { named($0, of: plan, kafka: kafka) }
    }

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
