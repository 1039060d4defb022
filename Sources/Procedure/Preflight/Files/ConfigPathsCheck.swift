import ControlProtocol
import Settings
import Topology

extension Check {
    /// Trap 15: what counts is the file that the process reads, whatever a unit says.
    package static func configPaths(_ subject: SurveyedPlan) -> Check {
        let plan = subject.plan
        return Check(
            .configPaths,
            "every server uses the configuration file that the plan names",
            remedy:
                "Name the file that the service is started with in the plan and in the agent's configuration (a unit's "
                + "override can point elsewhere)",
            looking: Look(hosts: plan.servers.map(\.host))
        ) { fleet, _ in
            var remarks = Remarks()
            let seen = fleet.seen(plan.servers)
            for (server, zookeeper) in seen where zookeeper.configPath != server.configPath {
                let who =
                    zookeeper.pid == nil ? "its agent's configuration names" : "the running server reads"
                remarks.refuse(
                    "\(server.host): \(who) \(zookeeper.configPath), the plan \(server.configPath) (line "
                        + "\(server.line))"
                )
            }
            return remarks.verdict("\(seen.count) servers")
        }
    }
}
