import ControlProtocol
import Settings
import Topology

extension Check {
    /// Trap 5.
    package static func destinationIDs(_ subject: SurveyedPlan) -> Check {
        let source = subject.plan.source
        let destination = subject.plan.destination
        var remarks = Remarks()
        let highest = source.map(\.id).max()
        for server in destination {
            guard let highest, server.id < highest else { continue }
            remarks.refuse("\(server.host): id \(server.id) is below source id \(highest)")
        }
        let verdict = remarks.verdict(
            "ids \(destination.map(\.id.description).joined(separator: ", ")) are above \(highest?.description ?? "none")"
        )
        return Check(
            .destinationIDs,
            "every destination id is above every source id",
            remedy: "Give the destination higher ids, in the plan, in its files and in myid",
            looking: Look()
        ) { _, _ in verdict }
    }
}
