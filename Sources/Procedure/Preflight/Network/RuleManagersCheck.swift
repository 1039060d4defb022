import ControlProtocol
import Fleet
import Settings
import Topology

extension Check {
    /// Trap 17.
    package static func ruleManagers(_ subject: SurveyedPlan) -> Check {
        let destination = subject.plan.destination
        return Check(
            .ruleManagers,
            "no other program changes the rules of a destination host",
            remedy:
                "Stop it for the time of the migration (systemctl stop; a unit without a process must not be reloaded or "
                + "restarted): it could flush the wall between the division and the end",
            looking: Look(hosts: destination.map(\.host))
        ) { fleet, _ in
            var remarks = Remarks()
            for server in destination {
                for program in fleet.status(server.host)?.ruleManagers ?? [] {
                    if let pid = program.pid {
                        remarks.refuse("\(server.host): \(program.name) runs (pid \(pid))")
                    } else {
                        remarks.warn("\(server.host): \(program.name) is active")
                    }
                }
            }
            return remarks.verdict("none on \(destination.count) hosts")
        }
    }
}
