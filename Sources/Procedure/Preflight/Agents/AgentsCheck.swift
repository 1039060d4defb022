import ControlProtocol
import Fleet
import Settings
import Topology

extension Check {
    package static func agents(_ subject: SurveyedPlan) -> Check {
        let plan = subject.plan
        let survey = subject.survey
        let agents = subject.plan.agents.map(\.host)
        return Check(
            .agents,
            "every agent answers, in this version of the protocol, and serves the plan's service",
            remedy:
                "Install the same version of mitosis-agent on every host, start it, open its port to this machine, and "
                + "let its configuration and the plan name the same service",
            looking: Look(hosts: agents)
        ) { fleet, _ in
            var remarks = Remarks()
            let silent = Set(survey.allUnread.filter(\.isSilence).map(\.host))
            for outlier in EpochPoll(fleet.hosts.filter { agents.contains($0.key) }).outliers {
                remarks.refuse("\(outlier.host): \(outlier)")
            }
            for host in agents {
                if let silence = fleet.unanswered(host) {
                    remarks.wait(silence)
                } else if silent.contains(host) {
                    remarks.refuse("\(host): its agent did not answer when its files were read; start again")
                }
                guard let status = fleet.status(host) else { continue }
                if status.protocolVersion != ControlProtocolVersion.current {
                    remarks.refuse(
                        "\(host): its agent speaks protocol \(status.protocolVersion), this program "
                            + "\(ControlProtocolVersion.current)"
                    )
                }
                guard let server = plan.server(host) else { continue }
                guard let zookeeper = status.zookeeper else {
                    remarks.refuse("\(host): its agent's configuration names no ZooKeeper")
                    continue
                }
                if zookeeper.service != server.service {
                    remarks.refuse(
                        "\(host): its agent's configuration names the service \(zookeeper.service), the plan "
                            + "\(server.service) (line \(server.line))"
                    )
                }
            }
            return remarks.verdict("\(agents.count) agents, protocol \(ControlProtocolVersion.current)")
        }
    }
}
