import Settings

/// The preflight: every check of a plan, in the order in which they are shown.
///
/// A check is a file of this folder's groups; docs/plan-file.md lists them for operators.
extension Check: CheckCatalog {
    static func all(of plan: SurveyedPlan, kafka: KafkaProcedure?, clients: ClientsProcedure?) -> [Check] {
        CheckName.allCases.compactMap { named($0, of: plan, kafka: kafka, clients: clients) }
    }
}
