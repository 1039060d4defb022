import ControlProtocol
import Fleet
import Settings
import Topology

extension Check {
    /// Trap 23, and the proof of the wall: what is refused at the division must have been open before.
    package static func crossingPaths(_ subject: SurveyedPlan) -> Check {
        let source = subject.plan.source
        let listening = Set(source.flatMap { SurveyedPlan.targets($0, [$0.electionPort]) })
        return connects(
            subject,
            .crossingPaths,
            "source and destination hosts reach each other's quorum and election ports",
            subject.crossingProbes
        ) { [source] target, fleet in
            // A server that is known not to serve listens nowhere.
            let owner = source.first { $0.allAddresses.contains(target.address) }
            return listening.contains(target) && owner.map { fleet.stats($0.host) != nil } ?? false
        }
    }
}
