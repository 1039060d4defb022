import ControlProtocol
import Settings
import Topology

extension Check {
    /// Files that were replaced and are not used: after the next restart the program would not start, or a revocation would
    /// not be known.
    package static func credentialFiles(_ subject: SurveyedPlan) -> Check {
        let agents = subject.plan.agents.map(\.host)
        return Check(
            .credentialFiles,
            "certificates, keys, authorities and revocation lists are in use as they lie on disk",
            remedy:
                "Mend the files that are named, where they are named: they are read again by themselves, within seconds",
            looking: Look(hosts: agents, ownCredentials: true)
        ) { fleet, _ in
            var remarks = Remarks()
            for (owner, credentials) in fleet.credentials(of: agents) {
                for problem in (credentials.failures ?? []).prefix(8) {
                    remarks.wait("\(owner): \(problem.reason.prefix(1000))")
                }
            }
            return remarks.verdict("on every host, and here")
        }
    }
}
