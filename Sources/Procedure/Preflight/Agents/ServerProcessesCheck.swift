import ControlProtocol
import Settings
import Topology

extension Check {
    /// Trap 21: `detach` reads the server's threads, its flags and its log, and ends its process.
    package static func serverProcesses(_ subject: SurveyedPlan) -> Check {
        let plan = subject.plan
        return Check(
            .serverProcesses,
            "every running server is a JVM that its agent can look into",
            remedy:
                "Let the service run one JVM, itself or under its main process, and let the agent run as root, in the network that "
                + "the server uses",
            looking: Look(hosts: plan.servers.map(\.host))
        ) { fleet, _ in
            var remarks = Remarks()
            let running = fleet.seen(plan.servers).filter { $0.zookeeper.pid != nil }
            for (server, zookeeper) in running where zookeeper.javaProperties == nil {
                remarks.refuse(
                    "\(server.host): process \(zookeeper.pid ?? 0) of \(zookeeper.service) is no ZooKeeper server that "
                        + "its agent can look into"
                )
            }
            for (server, zookeeper) in running where zookeeper.hasOwnNetwork == true {
                remarks.refuse(
                    "\(server.host): process \(zookeeper.pid ?? 0) of \(zookeeper.service) has a network of its own (a container?), "
                        + "which no rule of its agent's reaches; run it in the host's network"
                )
            }
            return remarks.verdict("\(running.count) processes")
        }
    }
}
