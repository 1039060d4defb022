import ControlProtocol
import Fleet
import Settings

extension Check {
    package static func configurationManagers(_ subject: SurveyedPlan) -> Check {
        let hosts = subject.plan.agents.map(\.host)
        return Check(
            .configurationManagers,
            "no program brings a host's files and services back to what is written elsewhere",
            remedy:
                "Hold it off until the run has ended (`puppet agent --disable`, `systemctl stop` of the service or the timer, the "
                + "line of cron commented out): it would write the old file over a new one, or restart a server, in the middle",
            looking: Look(hosts: hosts)
        ) { fleet, _ in
            var remarks = Remarks()
            var unknown: [HostName] = []
            for host in hosts {
                guard let status = fleet.status(host) else { continue }
                guard let programs = status.configurationManagers else {
                    unknown.append(host)
                    continue
                }
                for program in programs {
                    let how = program.pid.map { "runs (pid \($0))" } ?? "is started by the clock"
                    remarks.refuse("\(host): \(program.name) \(how)")
                }
            }
            if !unknown.isEmpty { remarks.warn("not known of \(unknown.list): their agents do not say") }
            return remarks.verdict("none on \(hosts.count - unknown.count) hosts")
        }
    }
}
