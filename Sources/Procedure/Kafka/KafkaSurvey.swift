package import ControlProtocol
package import FoundationEssentials
package import Planning
import Topology

/// The brokers' files as they were before anything changed. Journaled with the run.
package struct KafkaSurvey: Hashable, Sendable, Codable {
    /// A log directory's meta.properties.
    package struct Meta: Hashable, Sendable, Codable {
        package let host: HostName
        package let path: String
        /// Nil when it does not exist, as before Kafka 0.8.2.
        package let content: Data?
        /// Why the agent did not hand it out.
        package let refusal: String?

        package init(host: HostName, path: String, content: Data?, refusal: String?) {
            self.host = host
            self.path = path
            self.content = content
            self.refusal = refusal
        }
    }

    package let files: [Survey.File]
    package let metas: [Meta]

    package init(files: [Survey.File], metas: [Meta]) {
        self.files = files
        self.metas = metas
    }

    package func file(of host: HostName) -> Survey.File? { files.first { $0.host == host } }
    package func metas(of host: HostName) -> [Meta] { metas.filter { $0.host == host } }

    /// Reads every broker's server.properties, and the meta.properties of each of its log directories.
    package static func take(of kafka: PlannedKafka, through fleet: any Fleet) async throws(FleetError)
        -> KafkaSurvey
    {
        var files: [Survey.File] = []
        var metas: [Meta] = []
        for broker in kafka.brokers {
            let answer = try await fleet.read(broker.configPath, on: broker.host)
            guard let content = answer.content, let digest = answer.state.digest else {
                throw .broken(
                    host: broker.host,
                    reason: "\(broker.configPath) does not exist; name the file that \(broker.service) is started "
                        + "with (line \(broker.line) of the plan)"
                )
            }
            files.append(
                Survey.File(host: broker.host, path: broker.configPath, digest: digest, content: content)
            )
            for folder in logDirs(content) {
                metas.append(try await meta("\(folder)/meta.properties", on: broker.host, through: fleet))
            }
        }
        return KafkaSurvey(files: files, metas: metas)
    }

    /// None of a file that cannot be read; the preflight says why.
    private static func logDirs(_ content: Data) -> [String] {
        do throws(KafkaFileError) {
            return try ServerProperties(content).logDirs
        } catch {
            return []
        }
    }

    private static func meta(
        _ path: String,
        on host: HostName,
        through fleet: any Fleet
    ) async throws(FleetError) -> Meta {
        do throws(FleetError) {
            return Meta(host: host, path: path, content: try await fleet.read(path, on: host).content, refusal: nil)
        } catch {
            guard case .refused(_, .notAllowed(let reason)) = error else { throw error }
            return Meta(host: host, path: path, content: nil, refusal: reason)
        }
    }
}
