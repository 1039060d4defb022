import ControlProtocol
import Settings
import Topology

extension Check {
    /// Trap 3.
    package static func destinationData(_ subject: SurveyedPlan) -> Check {
        let destination = subject.plan.destination
        return Check(
            .destinationData,
            "every destination server has no data",
            remedy: "Look at it, then move version-2 away: it would be mixed into the ensemble",
            looking: Look(hosts: destination.map(\.host))
        ) { fleet, _ in
            var remarks = Remarks()
            let seen = fleet.onPlan(destination).filter { !$0.zookeeper.data.path.isEmpty }
            for (server, zookeeper) in seen where !zookeeper.data.isEmpty {
                remarks.refuse("\(server.host): \(zookeeper.data.path) is not empty")
            }
            return remarks.verdict("\(seen.count) servers are empty")
        }
    }
}
