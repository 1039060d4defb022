package import ControlProtocol
package import FoundationEssentials
package import Planning
import Topology

/// The configuration files as they were before anything changed, and what they will become.
///
/// Taken once, at the start of a run, and journaled with it.
package struct Survey: Hashable, Sendable, Codable {
    package struct File: Hashable, Sendable, Codable {
        package let host: HostName
        package let path: String
        package let digest: String
        package let content: Data

        package init(host: HostName, path: String, digest: String, content: Data) {
            self.host = host
            self.path = path
            self.digest = digest
            self.content = content
        }
    }

    package let files: [File]
    /// Nil when the plan has no Kafka.
    package let kafka: KafkaSurvey?

    package init(files: [File], kafka: KafkaSurvey? = nil) {
        self.files = files
        self.kafka = kafka
    }

    /// Reads every server's configuration file through its agent; changes nothing.
    package static func take(of plan: MigrationPlan, through fleet: any Fleet) async throws(FleetError)
        -> Survey
    {
        var files: [File] = []
        for server in plan.source + plan.destination {
            let answer = try await fleet.read(server.configPath, on: server.host)
            guard let content = answer.content, let digest = answer.state.digest else {
                throw .broken(
                    host: server.host,
                    reason: "\(server.configPath) does not exist; write the host's own zoo.cfg first, "
                        + "with the ensemble that it will have after the migration"
                )
            }
            files.append(File(host: server.host, path: server.configPath, digest: digest, content: content))
        }
        guard let kafka = plan.kafka else { return Survey(files: files) }
        return Survey(files: files, kafka: try await KafkaSurvey.take(of: kafka, through: fleet))
    }

    package func file(of host: HostName) -> File? { files.first { $0.host == host } }
}
