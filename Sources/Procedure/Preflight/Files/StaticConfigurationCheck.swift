import ControlProtocol
import Settings
import Topology

extension Check {
    /// Trap 6.
    package static func staticConfiguration(_ subject: SurveyedPlan) -> Check {
        onFiles(
            subject,
            .staticConfiguration,
            "no file lets the ensemble change without it",
            remedy:
                "Put the server lines into the file itself, remove dynamicConfigFile, and set reconfigEnabled=false"
        ) { file in
            [
                file.dynamicConfigFile.map { "dynamicConfigFile=\($0)" },
                file.reconfigEnabled ? "reconfigEnabled=true" : nil,
            ].compactMap(\.self)
        }
    }
}
