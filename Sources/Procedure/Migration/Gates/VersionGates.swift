import Settings

/// Gates on versions: the destination's are known when it has joined.
extension MigrationProcedure {
    /// What the preflight could not see yet of versions, judged before anything is divided; waivers of the two checks count.
    var versionsFit: Gate {
        let subject = SurveyedPlan(plan: plan, survey: survey)
        let waived = Set(plan.waivers.map(\.check))
        return Gate(
            "both sides' versions may be divided",
            hosts: (source + destination).map(\.host),
            deadline: plan.deadlines.division
        ) { fleet, _ in
            var faults = Remarks()
            var pair = Remarks()
            subject.remarkKnownFaults(fleet, &faults)
            let observed = subject.remarkVersionPair(fleet, &pair)
            for (check, remarks) in [(CheckName.knownFaults, faults), (.versionPair, pair)]
            where !waived.contains(check) {
                switch remarks.verdict("") {
                case .never(let reason), .waiting(let reason): return .never(reason: "\(check): \(reason)")
                case .holds, .warns: break
                }
            }
            return .holds(observed: observed)
        }
    }
}
