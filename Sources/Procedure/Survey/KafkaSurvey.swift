package import ControlProtocol
package import Fleet
package import FoundationEssentials
package import Settings
import Topology

/// The brokers' files as they were before anything changed, journaled with the run.
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
    /// Brokers' files that could not be read.
    package let unread: [Survey.Unread]
    package let metas: [Meta]

    package init(files: [Survey.File], unread: [Survey.Unread] = [], metas: [Meta]) {
        self.files = files
        self.unread = unread
        self.metas = metas
    }

    /// Journals of earlier versions know no unread files.
    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        files = try values.decode([Survey.File].self, forKey: .files)
        unread = try values.decodeIfPresent([Survey.Unread].self, forKey: .unread) ?? []
        metas = try values.decode([Meta].self, forKey: .metas)
    }

    package func file(of host: HostName) -> Survey.File? { files.first { $0.host == host } }
    package func metas(of host: HostName) -> [Meta] { metas.filter { $0.host == host } }

    /// Reads every broker's server.properties, and the meta.properties of each of its log directories.
    package static func take(of kafka: PlannedKafka, through fleet: any Fleet) async -> KafkaSurvey {
        var files: [Survey.File] = []
        var unread: [Survey.Unread] = []
        let wanted = kafka.brokers.map { FileReading(host: $0.host, path: $0.configPath) }
        for (broker, answer) in zip(kafka.brokers, await FileReading.perform(wanted, through: fleet)) {
            let absence =
                "it does not exist; name the file that \(broker.service) is started with (line \(broker.line) of the plan)"
            switch answer.file(absence) {
            case .success(let file): files.append(file)
            case .failure(let missing): unread.append(missing.unread)
            }
        }
        let metas = files.flatMap { file in
            logDirs(file.content).map { FileReading(host: file.host, path: "\($0)/meta.properties") }
        }
        return KafkaSurvey(
            files: files,
            unread: unread,
            metas: await FileReading.perform(metas, through: fleet).map(meta)
        )
    }

    /// None of a file that cannot be read; the preflight says why.
    private static func logDirs(_ content: Data) -> [String] {
        do throws(KafkaFileError) {
            return try ServerProperties(content).logDirs
        } catch {
            return []
        }
    }

    private static func meta(_ answer: FileReading) -> Meta {
        switch answer.result {
        case .success(let content):
            Meta(host: answer.host, path: answer.path, content: content.content, refusal: nil)
        case .failure(.refused(_, .notAllowed(let reason))):
            Meta(host: answer.host, path: answer.path, content: nil, refusal: reason)
        case .failure(let error):
            Meta(host: answer.host, path: answer.path, content: nil, refusal: error.sentence)
        case nil: Meta(host: answer.host, path: answer.path, content: nil, refusal: "it was not asked for")
        }
    }
}
