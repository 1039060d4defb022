import ControlProtocol
import Settings
import Topology

extension Check {
    /// Trap 4.
    package static func observerSync(_ subject: SurveyedPlan) -> Check {
        let plan = subject.plan
        let destination = subject.plan.destination
        var remarks = Remarks()
        switch plan.strategy {
        case .participants: break
        case .observers:
            for server in destination where subject.configuration(of: server)?.syncEnabled == false {
                remarks.refuse("\(server.host): \(server.configPath): syncEnabled=false")
            }
        }
        let verdict = remarks.verdict(
            plan.strategy == .observers
                ? "\(destination.count) observers keep what they learn on disk" : "no server observes"
        )
        return Check(
            .observerSync,
            "observers keep on disk what they learn",
            remedy:
                "Remove syncEnabled=false from the destination's files: at the division nothing would be on disk",
            looking: Look()
        ) { _, _ in verdict }
    }
}
