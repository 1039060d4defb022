import ControlProtocol
import Fleet
import Settings
import Topology

extension Check {
    /// Trap 8.
    ///
    /// The canary's own transaction, seen through every server, is the movement of the zxid.
    package static func writeCanary(_ subject: SurveyedPlan) -> Check {
        let plan = subject.plan
        let source = subject.plan.source
        let question = CanaryQuestion(name: plan.name, sides: [source])
        return Check(
            .writeCanary,
            "a node that is written through the source is seen on every server of it",
            remedy:
                "See that every source server takes clients' sessions and that the root's ACL lets anybody create a node "
                + "(an ephemeral one, /mitosis-canary-..., gone at once)",
            looking: Look(hosts: source.map(\.host), canary: question)
        ) { fleet, _ in
            let serving = source.filter { fleet.stats($0.host) != nil }
            guard serving.count == source.count else {
                return .holds(
                    observed: "not judged: \(serving.count) of \(source.count) servers were seen to serve"
                )
            }
            return fleet.seen(question) { sightings in
                let missing = sightings.flatMap(\.missing)
                guard missing.isEmpty else {
                    return .waiting(reason: "a canary is not seen on \(missing.joined(separator: ", "))")
                }
                return .holds(observed: "written through one server, seen on all \(source.count)")
            }
        }
    }
}
