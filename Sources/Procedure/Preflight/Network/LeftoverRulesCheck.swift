import ControlProtocol
import Fleet
import Settings
import Topology

extension Check {
    /// Trap 16: rules of ours, in whatever backend.
    package static func leftoverRules(_ subject: SurveyedPlan) -> Check {
        let plan = subject.plan
        return Check(
            .leftoverRules,
            "no rule of ours is in any host's kernel",
            remedy: "`mitosis rules clean` removes what an earlier run left",
            looking: Look(hosts: plan.agents.map(\.host))
        ) { fleet, _ in
            var remarks = Remarks()
            var seen = 0
            for host in plan.agents.map(\.host) {
                guard let rules = fleet.status(host)?.rules, rules.unreadable == nil else { continue }
                seen += 1
                if let left = fleet.leftRules(on: host) { remarks.refuse(left) }
            }
            return remarks.verdict("0 rules on \(seen) hosts")
        }
    }
}
