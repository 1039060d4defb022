import ControlProtocol
import Settings
import Topology

extension Check {
    /// Trap 12.
    package static func connectStrings(_ subject: KafkaProcedure) -> Check {
        let usable = subject.usable
        var remarks = Remarks()
        for (broker, properties) in usable {
            let connect = properties.zookeeperConnect
            if connect.isSingleServer {
                remarks.refuse("\(broker.name): zookeeper.connect=\(connect) names one server only")
            }
        }
        if subject.plan.seeds.count < 2 { remarks.refuse("the plan has one seed only to repoint brokers to") }
        let verdict = remarks.verdict("\(usable.count) connect strings name several servers")
        return Check(
            .connectStrings,
            "every broker's zookeeper.connect names several servers",
            remedy:
                "Name several source servers and restart the broker: it loses its session whenever its only server restarts",
            looking: Look()
        ) { _, _ in verdict }
    }
}
