import ControlProtocol
import Fleet
import Settings
import Topology

extension Check {
    /// Trap 1.
    package static func zookeeperVersion(_ subject: SurveyedPlan) -> Check {
        let plan = subject.plan
        let source = subject.plan.source
        return Check(
            .zookeeperVersion,
            "members can be added to the source's version by restarts",
            remedy: "Use `strategy: observers`, which adds no members, or upgrade to 3.5.9, 3.6.2 or later",
            looking: Look(hosts: source.map(\.host))
        ) { fleet, _ in
            var remarks = Remarks()
            var versions: Set<String> = []
            for (server, zookeeper) in fleet.seen(source) {
                guard let version = zookeeper.stats?.version else { continue }
                versions.insert(version.description)
                guard plan.strategy == .participants,
                    ZooKeeperVersion(version.description)?.isAffectedBy3829 ?? false
                else { continue }
                remarks.refuse(
                    "\(server.host) runs ZooKeeper \(version), which can elect a leader that cannot commit while members "
                        + "are added (ZOOKEEPER-3829)"
                )
            }
            return remarks.verdict("ZooKeeper " + versions.sorted().joined(separator: ", "))
        }
    }
}
