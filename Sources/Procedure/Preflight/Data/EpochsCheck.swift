import ControlProtocol
import Settings
import Topology

extension Check {
    /// Trap 3.
    ///
    /// An empty server votes with the epochs of an earlier life, and a learner refuses a leader below them.
    package static func epochs(_ subject: SurveyedPlan) -> Check {
        let plan = subject.plan
        let source = subject.plan.source
        return Check(
            .epochs,
            "acceptedEpoch is nowhere below currentEpoch, and the destination has neither",
            remedy:
                "Never edit these files: replace a damaged server's data by letting it join anew without any; move what is "
                + "left in the destination's version-2 away",
            looking: Look(hosts: plan.servers.map(\.host))
        ) { fleet, _ in
            var remarks = Remarks()
            let seen = fleet.onPlan(plan.servers)
            for (server, zookeeper) in seen {
                let data = zookeeper.data
                if let accepted = data.acceptedEpoch, let current = data.currentEpoch, accepted < current {
                    remarks.refuse(
                        "\(server.host): acceptedEpoch \(accepted) is below currentEpoch \(current): its data directory is "
                            + "damaged"
                    )
                }
                let isSource = source.contains { $0.host == server.host }
                if !isSource, data.isEmpty, let left = data.acceptedEpoch ?? data.currentEpoch {
                    remarks.refuse(
                        "\(server.host): \(data.path)/version-2 holds epoch \(left) of an earlier life, and no data"
                    )
                }
            }
            let epochs = Set(source.compactMap { fleet.zookeeper($0.host)?.data.currentEpoch }).sorted()
            return remarks.verdict(
                "the source is at epoch \(epochs.map { "\($0)" }.joined(separator: ", ")), the destination at none"
            )
        }
    }
}
