package import Fleet
package import Settings

/// The files of clients other than brokers as they were before anything changed, journaled with the run.
package struct ClientsSurvey: Hashable, Sendable, Codable {
    package let files: [Survey.File]
    /// Clients' files that could not be read.
    package let unread: [Survey.Unread]

    package init(files: [Survey.File], unread: [Survey.Unread] = []) {
        self.files = files
        self.unread = unread
    }

    package func file(of client: PlannedClient) -> Survey.File? {
        files.first { $0.host == client.host && $0.path == client.configPath }
    }

    func unread(of client: PlannedClient) -> Survey.Unread? {
        unread.first { $0.host == client.host && $0.path == client.configPath }
    }

    /// Reads every client's file through its host's agent; changes nothing.
    package static func take(of clients: PlannedClients, through fleet: any Fleet) async -> ClientsSurvey {
        var files: [Survey.File] = []
        var unread: [Survey.Unread] = []
        let wanted = clients.all.map { FileReading(host: $0.host, path: $0.configPath) }
        for (client, answer) in zip(clients.all, await FileReading.perform(wanted, through: fleet)) {
            let absence =
                "it does not exist; name the file that \(client.service) reads (line \(client.line) of the plan)"
            switch answer.file(absence) {
            case .success(let file): files.append(file)
            case .failure(let missing): unread.append(missing.unread)
            }
        }
        return ClientsSurvey(files: files, unread: unread)
    }
}
