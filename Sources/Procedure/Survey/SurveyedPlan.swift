package import Settings
import Topology

/// A plan with the files of its hosts as they were read.
package struct SurveyedPlan: Sendable {
    package let plan: MigrationPlan
    package let survey: Survey

    package init(plan: MigrationPlan, survey: Survey) {
        self.plan = plan
        self.survey = survey
    }

    var joint: JointConfiguration { JointConfiguration(plan: plan) }

    /// As ZooKeeper would read it; nil for a file that `configuration-files` refuses.
    func configuration(of server: PlannedServer) -> ZooConfiguration? {
        guard let file = survey.file(of: server.host) else { return nil }
        do throws(ZooConfigurationError) { return try ZooConfiguration(file.content) } catch { return nil }
    }

    var configurations: [(server: PlannedServer, file: ZooConfiguration)] {
        plan.servers.compactMap { server in configuration(of: server).map { (server, $0) } }
    }
}
