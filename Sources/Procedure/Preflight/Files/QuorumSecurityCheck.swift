import ControlProtocol
import Settings
import Topology

extension Check {
    /// Trap 18.
    package static func quorumSecurity(_ subject: SurveyedPlan) -> Check {
        onFiles(
            subject,
            .quorumSecurity,
            "servers speak to each other without TLS and SASL",
            remedy:
                "TLS and SASL between servers are not supported: with a waiver, see yourself that both sides accept each "
                + "other's certificates or principals"
        ) { file in
            [
                file.sslQuorum ? "sslQuorum=true" : nil,
                file.portUnification ? "portUnification=true" : nil,
                file.quorumSASL ? "quorum.auth.enableSasl=true" : nil,
            ].compactMap(\.self)
        }
    }
}
