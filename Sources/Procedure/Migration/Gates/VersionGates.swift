import Settings

/// Gates on versions, and on what a JVM was started with: the destination's are known when it has joined.
extension MigrationProcedure {
    /// What the preflight could not see yet of servers that did not run, judged before anything is divided; waivers of its checks
    /// count.
    var versionsFit: Gate {
        let subject = SurveyedPlan(plan: plan, survey: survey)
        let waived = Set(plan.waivers.map(\.check))
        return Gate(
            "both sides' versions may be divided",
            hosts: (source + destination).map(\.host),
            deadline: plan.deadlines.division
        ) { [destination] fleet, _ in
            var (faults, pair, data) = (Remarks(), Remarks(), Remarks())
            var (sync, leaders) = (Remarks(), Remarks())
            subject.remarkKnownFaults(fleet, &faults)
            let observed = subject.remarkVersionPair(fleet, &pair)
            subject.remarkReadableData(fleet, &data)
            subject.remarkObserverSync(fleet, &sync)
            subject.remarkSilentLeaders(destination, fleet, &leaders)
            let judged: [(CheckName, Remarks)] = [
                (.knownFaults, faults), (.versionPair, pair), (.readableData, data), (.observerSync, sync),
                (.configurationFiles, leaders),
            ]
            for (check, remarks) in judged where !waived.contains(check) {
                switch remarks.verdict("") {
                case .never(let reason), .waiting(let reason): return .never(reason: "\(check): \(reason)")
                case .holds, .warns: break
                }
            }
            return .holds(observed: observed)
        }
    }
}
