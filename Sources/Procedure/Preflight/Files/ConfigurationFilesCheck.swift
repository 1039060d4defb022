import ControlProtocol
import Settings
import Topology

extension Check {
    package static func configurationFiles(_ subject: SurveyedPlan) -> Check {
        let plan = subject.plan
        let survey = subject.survey
        return Check(
            .configurationFiles,
            "every zoo.cfg is one that a server starts with, can be extended and restored, and names the plan's servers "
                + "and client ports",
            remedy:
                "Let each side's files name exactly the servers of that side, as the plan does, and allow them in the "
                + "agents' 'files'; a server that does not start with its file shows it only after the division",
            looking: Look(hosts: plan.servers.map(\.host))
        ) { fleet, _ in
            var remarks = Remarks()
            for server in plan.servers {
                let place = "\(server.host): \(server.configPath)"
                // A silent agent is another check's finding.
                if let unread = survey.unread.first(where: { $0.host == server.host }), !unread.isSilence {
                    remarks.refuse("\(place): \(unread.reason)")
                }
                guard let file = survey.file(of: server.host) else { continue }
                if let now = fleet.zookeeper(server.host), now.configPath == server.configPath,
                    now.file.digest != file.digest
                {
                    remarks.refuse("\(place): somebody else changed it since it was read; start again")
                    continue
                }
                let told = fleet.zookeeper(server.host)?.javaProperties ?? [:]
                let judged = JudgedFile(file, of: server, in: subject, told: told)
                for fault in judged.faults { remarks.refuse("\(place): \(fault)") }
                for remark in judged.remarks { remarks.warn("\(place): \(remark)") }
            }
            return remarks.verdict("\(survey.files.count) files read")
        }
    }
}
