package import Rehearsals

/// Faults of a rehearsal: which are tried, and what came of each.
package enum RehearsalFaults {
    /// Where the most is at stake comes first.
    private static let stages = ["division", "join", "return", "proof", "clean-up"]
    private static let kinds: [FaultCase.Kind] = [
        .boot, .server, .coordinator, .cut, .agent, .pause, .coordinatorAndBoot, .coordinatorAndAgent,
    ]

    /// What such steps are about is not in a lab for faults.
    private static let ofClients: Set<Substring> = [
        "kafka", "clients", "sessions", "writes", "connect-strings",
    ]

    /// A fixed choice that takes turns among stages, faults and hosts.
    ///
    /// - Parameter steps: of a run of the same set-up, in their order.
    package static func cases(
        _ count: Int,
        of configuration: LabConfiguration,
        steps: [String]
    ) -> [FaultCase] {
        let groups = stages.map { stage in
            steps.filter { $0.hasPrefix(stage + ".") && !ofClients.contains($0.dropFirst(stage.count + 1)) }
        }.filter { !$0.isEmpty }
        let longest = max(configuration.sources, configuration.destinations)
        let hosts = (0..<longest).flatMap { index in
            [configuration.destinationHosts, configuration.sourceHosts].compactMap {
                index < $0.count ? $0[index].name : nil
            }
        }
        guard !groups.isEmpty, count > 0 else { return [] }
        return (0..<count).map { number in
            let group = groups[number % groups.count]
            // From the middle on: a stage's first step changes the least.
            let step = group[(group.count / 2 + number / groups.count) % group.count]
            let kind = kinds[number % kinds.count]
            return FaultCase(
                step: step,
                moment: number % 2 == 0 ? .begun : .ended,
                host: kind == .coordinator
                    ? configuration.control.name : hosts[(number + number / groups.count) % hosts.count],
                kind: kind,
                way: .forward
            )
        }
    }

    /// What came of a case, in a sentence.
    package static func row(_ report: FaultReport) -> RehearsalOutcome.Fault {
        guard report.struck else {
            // What else went wrong is no less wrong for it.
            let others = report.problems.filter { !$0.hasPrefix(FaultReport.unreached(report.fault)) }
            let said = "the run did not come to this place"
            return others.isEmpty && report.lost == 0
                ? row(report.fault, .notTried, said)
                : row(
                    report.fault,
                    .failed,
                    ([said, "\(report.lost) writes lost"] + others.prefix(6)).joined(separator: "; ")
                )
        }
        guard report.problems.isEmpty else {
            let problems = report.problems.prefix(6).joined(separator: "; ")
            return row(report.fault, .failed, "\(report.lost) writes lost; \(problems)")
        }
        let commands = report.attempts.map(\.command).joined(separator: ", ")
        let way = report.unaided ? "the run went on by itself" : "gone on with by \(commands)"
        return row(
            report.fault,
            .passed,
            "\(way); \(report.lost) of \(report.acknowledged) writes lost, no rule left, files as before, trees \(report.compared ? "equal" : "not compared")"
        )
    }

    /// Of a case that could not be tried to its end.
    package static func row(_ fault: FaultCase, failing reason: String) -> RehearsalOutcome.Fault {
        row(fault, .failed, reason)
    }

    private static func row(_ fault: FaultCase, _ result: RehearsalOutcome.Result, _ said: String)
        -> RehearsalOutcome.Fault
    {
        RehearsalOutcome.Fault(
            step: fault.step,
            moment: fault.moment.rawValue,
            host: fault.host,
            kind: fault.kind.rawValue,
            result: result,
            said: said
        )
    }
}
