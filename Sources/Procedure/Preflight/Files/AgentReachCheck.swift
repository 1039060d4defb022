import ControlProtocol
import Fleet
import Settings
import Topology

extension Check {
    package static func agentReach(_ subject: SurveyedPlan) -> Check {
        let hosts = subject.plan.agents.map(\.host)
        return Check(
            .agentReach,
            "every agent sees, and can write to, its listed files and data directories",
            remedy:
                "Let `mitosis-agent --print-drop-in` write the paths for the agent's unit anew and restart it, or mend the "
                + "mount or the link that is named",
            looking: Look(hosts: hosts)
        ) { fleet, _ in
            var remarks = Remarks()
            var count = 0
            for host in hosts {
                // A silent agent is another check's finding.
                guard let status = fleet.status(host) else { continue }
                guard let reach = status.reach else {
                    remarks.warn("\(host): its agent is an older one and does not say")
                    continue
                }
                count += reach.count
                for path in reach {
                    if let problem = path.problem { remarks.refuse("\(host): \(path.path): \(problem)") }
                }
            }
            return remarks.verdict("\(count) paths")
        }
    }
}
