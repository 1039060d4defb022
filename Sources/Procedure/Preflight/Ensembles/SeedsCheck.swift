import ControlProtocol
import Settings
import Topology

extension Check {
    /// Trap 2, and sizes that could outvote the source: the plan has been refused before.
    package static func seeds(_ subject: SurveyedPlan) -> Check {
        let plan = subject.plan
        let source = subject.plan.source
        let seeds = subject.plan.seeds
        let joining = source.count + seeds.count
        return Check(
            .seeds,
            "the seeds leave the source a majority and form no more than one of the destination",
            remedy: "Leave 'seeds' out, or name as many as docs/plan-file.md says",
            looking: Look()
        ) { _, _ in
            switch plan.strategy {
            case .observers: .holds(observed: "\(seeds.names) join without a vote")
            case .participants:
                source.count > joining / 2
                    ? .holds(
                        observed: "\(seeds.names) join: the source has \(source.count) of \(joining) votes"
                    )
                    : .never(
                        reason:
                            "\(seeds.names) could outvote the source: it has \(source.count) of \(joining)"
                    )
            }
        }
    }
}
