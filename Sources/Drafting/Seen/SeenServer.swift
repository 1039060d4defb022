import ControlProtocol
import FoundationEssentials
import Settings
import Topology

/// A host with ZooKeeper, as far as a plan has to know it.
struct SeenServer {
    let known: InventoryHost
    let status: ZooKeeperStatus
    let stoppedVersion: ServerVersion?
    let file: Result<ZooConfiguration, Unusable>

    struct Unusable: Error {
        let reason: String
    }

    /// Nil of a host without ZooKeeper, or that is silent.
    init?(_ host: Sighting.Host) {
        guard let status = host.status?.zookeeper else { return nil }
        known = host.known
        self.status = status
        stoppedVersion = host.stoppedVersion
        file = Self.file(host.file(status.configPath)?.outcome)
    }

    private static func file(_ outcome: Sighting.File.Outcome?) -> Result<ZooConfiguration, Unusable> {
        switch outcome {
        case nil: return .failure(Unusable(reason: "was not asked for"))
        case .absent: return .failure(Unusable(reason: "does not exist"))
        case .unread(let reason): return .failure(Unusable(reason: "cannot be read: \(reason)"))
        case .content(let content):
            do throws(ZooConfigurationError) {
                return .success(try ZooConfiguration(content))
            } catch {
                return .failure(Unusable(reason: "cannot be used: \(error)"))
            }
        }
    }

    var host: HostName { known.host }

    var config: ZooConfiguration? {
        switch file {
        case .success(let config): config
        case .failure: nil
        }
    }

    /// What its process has read, else what its file says; nil when neither names an ensemble.
    var view: [Member]? {
        let view = status.runningView ?? status.fileView
        return view?.isEmpty == true ? nil : view
    }

    var isRunning: Bool {
        switch status.state {
        case .running, .changing: true
        case .stopped, .failed: false
        }
    }

    /// What a destination server is before a run: nothing runs, nothing is there.
    var isIdle: Bool { !isRunning && status.data.isEmpty }

    var version: ServerVersion? { stats?.version ?? stoppedVersion }

    var stats: ServerStats? {
        switch status.serving {
        case .yes(let stats): stats
        case .looking, .unreachable: nil
        }
    }

    /// Which of the view's servers it is: by `myid`, and without one by its address.
    func member(of view: [Member]) -> Member? {
        guard let number = status.data.myid else { return view.first { known.answers(to: $0.address) } }
        return view.first { $0.id.value == number }
    }

    func clientPort(as member: Member) -> Port? {
        guard let config else { return nil }
        return config.clientPort ?? config.servers.first { $0.member.id == member.id }?.clientPort
    }
}

extension InventoryHost {
    /// Whether a file that names `text` can mean this host.
    func answers(to text: String) -> Bool {
        let plain = text.lowercased()
        if plain == address.lowercased() || plain == host.description { return true }
        return IPAddress(text).map { allAddresses.contains($0) } ?? false
    }
}

/// Hosts whose processes, or else files, name the same servers.
struct SeenEnsemble {
    /// By id.
    let members: [Member]
    /// In the order of the inventory.
    private(set) var servers: [SeenServer]

    /// One for each view, in the order in which they are met.
    static func all(of servers: [SeenServer]) -> [SeenEnsemble] {
        var found: [SeenEnsemble] = []
        for server in servers {
            guard let view = server.view else { continue }
            if let index = found.firstIndex(where: { Set($0.members) == Set(view) }) {
                found[index].servers.append(server)
            } else {
                found.append(SeenEnsemble(members: view.sorted { $0.id < $1.id }, servers: [server]))
            }
        }
        return found
    }

    var isServing: Bool { servers.contains(where: \.isRunning) }
    var isIdle: Bool { servers.allSatisfy(\.isIdle) }
    var names: String { servers.map(\.host).listed() }
    var version: ServerVersion? { servers.compactMap(\.version).first }

    func contains(_ host: HostName) -> Bool { servers.contains { $0.host == host } }

    /// Whether the others and its own have a server in common, whatever id it has there.
    func isAkin(to others: [Member]) -> Bool {
        others.contains { other in
            members.contains {
                $0.address.lowercased() == other.address.lowercased() && $0.quorumPort == other.quorumPort
            }
        }
    }

    /// Whether a client that connects to `text` connects to one of its servers.
    func answers(to text: String) -> Bool {
        members.contains { $0.address.lowercased() == text.lowercased() }
            || servers.contains { $0.known.answers(to: text) }
    }
}
