import ControlProtocol
import Settings
import Topology

extension Check {
    /// Trap 3.
    package static func serverIDs(_ subject: SurveyedPlan) -> Check {
        let plan = subject.plan
        return Check(
            .serverIDs,
            "every myid holds the id of the plan",
            remedy: "Write the id that the plan gives into dataDir/myid, or correct the plan",
            looking: Look(hosts: plan.servers.map(\.host))
        ) { fleet, _ in
            var remarks = Remarks()
            let seen = fleet.onPlan(plan.servers).filter { !$0.zookeeper.data.path.isEmpty }
            for (server, zookeeper) in seen where zookeeper.data.myid != server.id.value {
                let found = zookeeper.data.myid.map { "\($0)" } ?? "no id"
                remarks.refuse(
                    "\(server.host): \(zookeeper.data.path)/myid holds \(found), the plan says \(server.id) (line "
                        + "\(server.line))"
                )
            }
            return remarks.verdict("\(seen.count) myid files")
        }
    }
}
