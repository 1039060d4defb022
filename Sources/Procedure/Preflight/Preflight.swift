package import Fleet
package import Settings
package import SystemCalls

/// Takes a plan's checks to their findings; changes nothing and needs no lease.
package struct Preflight: Sendable {
    package let checks: [Check]
    package let waivers: [MigrationPlan.Waiver]
    /// Each with the operator's reason, as the end of a run repeats it.
    let skippedProofs: [String]

    package init(plan: MigrationPlan, survey: Survey) {
        checks = Check.all(
            of: SurveyedPlan(plan: plan, survey: survey),
            kafka: plan.kafka.map { KafkaProcedure(plan: plan, kafka: $0, survey: survey) },
            clients: MigrationProcedure(plan: plan, survey: survey).clients
        )
        waivers = plan.waivers
        skippedProofs = PlannedProofs.Kind.allCases.compactMap { kind in
            plan.proofs.skipped[kind].map { "\(kind.rawValue) (\($0)): not done" }
        }
    }

    package func findings(
        through fleet: any Fleet,
        _ ensembles: any EnsembleReading,
        timing: Timing
    ) async -> [Finding] {
        let watch = GateWatch(
            fleet: fleet,
            ensembles: ensembles,
            timing: timing,
            stopRequest: { .none },
            progress: { _ in }
        )
        return await findings(watch, facts: RunFacts())
    }

    func findings(_ watch: GateWatch, facts: RunFacts) async -> [Finding] {
        var inspection = Inspection(checks)
        let began = watch.timing.monotonic()
        while let look = inspection.look {
            inspection.judge(
                await watch.look(look, facts: facts),
                facts,
                after: watch.timing.monotonic() - began
            )
            guard inspection.look != nil, watch.stopRequest() != .now else { break }
            await watch.timing.sleep(inspection.pause)
        }
        return inspection.findings(waivers: waivers)
    }
}

extension Gate {
    /// Every check of a plan at once; a run takes its findings one by one, see `RunProgress`.
    init(_ preflight: Preflight) {
        let looks = preflight.checks.map(\.gate.look)
        self.init(
            "each of \(preflight.checks.count) checks passes, warns, or is waived",
            looking: looks.dropFirst().reduce(looks.first ?? Look()) { $0.merging($1) },
            deadline: preflight.checks.map(\.gate.deadline).max() ?? .zero,
            preflight: preflight
        ) { view, facts in
            let failed = preflight.checks.map { check -> Finding in
                let waiver = preflight.waivers.first { $0.check == check.name }
                return Inspection.finding(check, check.gate.judge(view, facts), waiver)
            }
            .filter { $0.verdict == .fail }
            return failed.isEmpty
                ? .holds(observed: "\(preflight.checks.count) checks")
                : .never(reason: failed.map(\.sentence).joined(separator: "\n"))
        }
    }
}
