import ControlProtocol
import Settings
import Topology

extension Check {
    /// Trap 21.
    ///
    /// What a file sets overrides the JVM's property.
    package static func durableWrites(_ subject: SurveyedPlan) -> Check {
        let plan = subject.plan
        let configurations = subject.configurations
        return Check(
            .durableWrites,
            "every server forces a transaction to disk before it acknowledges it",
            remedy:
                "Remove forceSync=no from the file and -Dzookeeper.forceSync=no from the JVM's flags, and restart the server",
            looking: Look(hosts: plan.servers.map(\.host))
        ) { fleet, _ in
            var remarks = Remarks()
            for server in plan.servers {
                let file = configurations.first { $0.server.host == server.host }?.file["forceSync"]
                let flag = fleet.zookeeper(server.host)?.javaProperties?["zookeeper.forceSync"]
                if file == "no" { remarks.refuse("\(server.host): \(server.configPath): forceSync=no") }
                if file == nil, flag == "no" {
                    remarks.refuse("\(server.host): its process was started with -Dzookeeper.forceSync=no")
                }
            }
            return remarks.verdict("forceSync is on everywhere")
        }
    }
}
