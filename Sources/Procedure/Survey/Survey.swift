package import ControlProtocol
package import Fleet
package import FoundationEssentials
package import Settings
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

    /// A file that could not be read, and why.
    package struct Unread: Hashable, Sendable, Codable {
        package let host: HostName
        package let path: String
        package let reason: String
        /// Whether the agent did not answer at all.
        package let isSilence: Bool

        package init(host: HostName, path: String, reason: String, isSilence: Bool = false) {
            self.host = host
            self.path = path
            self.reason = reason
            self.isSilence = isSilence
        }
    }

    package let files: [File]
    /// Empty once a run has changed something: the preflight refuses a plan with such a file.
    package let unread: [Unread]
    /// Nil when the plan has no Kafka.
    package let kafka: KafkaSurvey?
    /// Nil when the plan moves no other clients.
    package let clients: ClientsSurvey?

    package init(
        files: [File],
        unread: [Unread] = [],
        kafka: KafkaSurvey? = nil,
        clients: ClientsSurvey? = nil
    ) {
        self.files = files
        self.unread = unread
        self.kafka = kafka
        self.clients = clients
    }

    /// Everywhere.
    package var allUnread: [Unread] { unread + (kafka?.unread ?? []) + (clients?.unread ?? []) }

    /// Journals of earlier versions know neither unread files nor other clients.
    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        files = try values.decode([File].self, forKey: .files)
        unread = try values.decodeIfPresent([Unread].self, forKey: .unread) ?? []
        kafka = try values.decodeIfPresent(KafkaSurvey.self, forKey: .kafka)
        clients = try values.decodeIfPresent(ClientsSurvey.self, forKey: .clients)
    }

    /// Reads every server's configuration file through its agent, and the brokers' files; changes nothing.
    ///
    /// What cannot be read is part of the survey: the preflight tells it with everything else that is wrong.
    package static func take(of plan: MigrationPlan, through fleet: any Fleet) async -> Survey {
        let absence =
            "it does not exist; write the host's own zoo.cfg first, with the ensemble that it will have after the "
            + "migration"
        var files: [File] = []
        var unread: [Unread] = []
        let wanted = plan.servers.map { FileReading(host: $0.host, path: $0.configPath) }
        for answer in await FileReading.perform(wanted, through: fleet) {
            switch answer.file(absence) {
            case .success(let file): files.append(file)
            case .failure(let missing): unread.append(missing.unread)
            }
        }
        var brokers: KafkaSurvey?
        if let kafka = plan.kafka { brokers = await KafkaSurvey.take(of: kafka, through: fleet) }
        var clients: ClientsSurvey?
        if !plan.clients.all.isEmpty { clients = await ClientsSurvey.take(of: plan.clients, through: fleet) }
        return Survey(files: files, unread: unread, kafka: brokers, clients: clients)
    }

    package func file(of host: HostName) -> File? { files.first { $0.host == host } }
}
