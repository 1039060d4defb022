import ControlProtocol
import Settings
import Topology

/// Gates on configuration files: their digests, as the agents read them now.
extension MigrationProcedure {
    func filesAreJoint(on servers: [PlannedServer]) -> Gate {
        files(servers, are: "the joint configuration") {
            jointConfiguration.rewritten($0).map(ContentDigest.sha256)
        }
    }

    func filesAreOriginal(on servers: [PlannedServer]) -> Gate {
        files(servers, are: "the original configuration") { $0.digest }
    }

    private func files(
        _ servers: [PlannedServer],
        are name: String,
        digest: (Survey.File) -> String?
    ) -> Gate {
        let expected = servers.reduce(into: [HostName: String]()) { digests, server in
            digests[server.host] = survey.file(of: server.host).flatMap(digest)
        }
        return Gate(
            "\(names(servers)): the file is \(name), by digest",
            hosts: servers.map(\.host),
            deadline: plan.deadlines.restart
        ) { view, _ in
            for server in servers {
                if let silence = view.silence(server.host) { return .waiting(reason: silence) }
                guard let wanted = expected[server.host] else {
                    return .never(reason: "\(server.host): its file was not read when the run began")
                }
                let found = view.zookeeper(server.host)?.file.digest
                guard found == wanted else {
                    return .waiting(
                        reason:
                            "\(server.host): \(server.configPath) has digest \(ContentDigest.text(found)), "
                            + "not \(wanted)"
                    )
                }
            }
            return .holds(observed: "\(servers.count) files are \(name)")
        }
    }
}
