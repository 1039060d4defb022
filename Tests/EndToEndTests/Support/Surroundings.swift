import FoundationEssentials
import Glibc
import LabKit
import Testing
import Topology

/// What must be the same before a run and after it was taken back.
struct Surroundings: Hashable {
    /// A file as its owner knows it.
    struct FileFacts: Hashable {
        let text: String
        let mode: mode_t
        let owner: uid_t
        let group: gid_t
    }

    /// What an agent's status says of a server.
    private struct Status: Decodable {
        struct Server: Decodable {
            let runningView: [Member]?
        }

        let zookeeper: Server?
    }

    var files: [String: FileFacts] = [:]
    /// Ids of the view that each server's process runs; nil of a stopped one.
    var views: [String: [ServerID]?] = [:]
    let brokers: [Int]
    /// Of any kind, in any kernel.
    let rules: Int

    init(_ lab: Lab) async throws {
        let configuration = lab.configuration
        let paths =
            configuration.zooKeeperHosts.map { lab.layout.host($0).zooKeeperConfiguration }
            + configuration.brokerHosts.map { lab.layout.host($0).kafkaConfiguration }
        for path in paths {
            var found = stat()
            try #require(lstat(path, &found) == 0, "\(path)")
            files[path] = FileFacts(
                text: try Folder.read(path),
                mode: found.st_mode,
                owner: found.st_uid,
                group: found.st_gid
            )
        }
        let status = try await Coordinator(lab: lab).perform(["status", lab.layout.plan, "--json"])
        let hosts = try JSONDecoder().decode([String: Status].self, from: Data(status.output.utf8))
        for host in configuration.zooKeeperHosts {
            let server = try #require(hosts[host.name]?.zookeeper, "\(host.name)")
            views[host.name] = server.runningView.map { $0.map(\.id).sorted() }
        }
        brokers =
            configuration.brokers > 0 ? try await lab.kafkaState().brokers.map(\.id).sorted() : []
        rules = try await lab.rulesLeft().map(\.lines.count).reduce(0, +)
    }
}
