import ControlProtocol
import Settings
import Topology

extension Check {
    static func onFiles(
        _ subject: SurveyedPlan,
        _ name: CheckName,
        _ title: String,
        remedy: String,
        _ faults: (ZooConfiguration) -> [String]
    ) -> Check {
        var remarks = Remarks()
        let files = subject.configurations
        for (server, file) in files {
            for fault in faults(file) { remarks.refuse("\(server.host): \(server.configPath): \(fault)") }
        }
        let verdict = remarks.verdict("\(files.count) files")
        return Check(name, title, remedy: remedy, looking: Look()) { _, _ in verdict }
    }
}
