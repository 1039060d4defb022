import ControlProtocol
import Fleet
import Settings
import Topology

extension Check {
    /// Trap 22: the first quorum may be any of them, and an election needs every pair.
    package static func destinationNetwork(_ subject: SurveyedPlan) -> Check {
        connects(
            subject,
            .destinationNetwork,
            "destination hosts reach each other's client, quorum and election ports",
            subject.destinationProbes
        )
    }
}
