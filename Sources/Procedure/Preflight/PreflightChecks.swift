import Settings

/// The preflight: every check of a plan, in the order in which they are shown.
///
/// A check is a file of this folder's groups; docs/plan-file.md lists them for operators.
extension Check: CheckCatalog {
    static func all(of plan: SurveyedPlan, kafka: KafkaProcedure?, clients: ClientsProcedure?) -> [Check] {
        let checks = CheckName.allCases.compactMap { named($0, of: plan, kafka: kafka, clients: clients) }
        #if CRIPPLED_CHECKS
            return checks.map { Crippled.lacks(check: $0.name) ? $0.disabled : $0 }
        #else
            return checks
        #endif
    }
}

#if CRIPPLED_CHECKS
    extension Check {
        fileprivate var disabled: Check {
            Check(
                name,
                remedy: remedy,
                Gate(gate.title, looking: gate.look, deadline: gate.deadline) { _, _ in
                    .holds(observed: Crippled.word)
                }
            )
        }
    }
#endif
