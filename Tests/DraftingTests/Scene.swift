import ControlProtocol
import Drafting
import Fleet
import FoundationEssentials
import Settings
import Testing
import Topology

/// Hosts as their agents would tell of them: a source s1..s3, a destination d1..d3, brokers k1..k2 of `/kafka`.
struct Scene {
    struct Server {
        var id: Int
        var members: [String]
        var isRunning = true
        var isEmpty = false
        var myid: Int?
        var service = "zookeeper.service"
        var config = "/etc/zookeeper/conf/zoo.cfg"
        var settings = "tickTime=2000\nclientPort=2181\ndataDir=/data\n"
        /// In place of the file's own content.
        var content: Sighting.File.Outcome?
        var version = ServerVersion(3, 8, 0)
        var dataSize: UInt64 = 12_345_678
    }

    struct Broker {
        var id: Int? = 1
        var connect: String
        var service = "kafka.service"
        var config = "/etc/kafka/server.properties"
        var overrides: [String: String]? = [:]
        var meta: String?
        /// Other files that its agent lists.
        var others: [Sighting.File] = []
        /// Files that its agent lists and nobody has read.
        var unread: [String] = []
    }

    /// In the order of the inventory.
    var names: [String] = []
    var servers: [String: Server] = [:]
    var brokers: [String: Broker] = [:]
    var silent: Set<String> = []
    /// Lines of the inventory, where a host has more than its address.
    var lines: [String: String] = [:]

    static let sourceLines = (1...3).map { "server.\($0)=198.51.100.1\($0):2888:3888" }
    static let destinationLines = (4...6).map { "server.\($0)=198.51.100.2\($0 - 3):2888:3888" }
    static let connect = "198.51.100.11:2181,198.51.100.12:2181/kafka"

    static var usual: Scene {
        var scene = Scene()
        for number in 1...3 {
            scene.add("s\(number)", Server(id: number, members: sourceLines))
            scene.lines["s\(number)"] =
                "address: 198.51.100.1\(number), addresses: [\"2001:db8::1\(number)\"]"
        }
        for number in 1...3 {
            scene.add(
                "d\(number)",
                Server(id: number + 3, members: destinationLines, isRunning: false, isEmpty: true)
            )
            scene.lines["d\(number)"] = "address: 198.51.100.2\(number)"
        }
        for number in 1...2 {
            scene.add("k\(number)", Broker(id: number, connect: connect))
            scene.lines["k\(number)"] = "address: 198.51.100.3\(number)"
        }
        return scene
    }

    mutating func add(_ name: String, _ server: Server) {
        if !names.contains(name) { names.append(name) }
        servers[name] = server
    }

    mutating func add(_ name: String, _ broker: Broker) {
        if !names.contains(name) { names.append(name) }
        brokers[name] = broker
    }

    var inventoryText: String {
        "version: 1\nname: shared\npki: {directory: pki, coordinator: ops}\nhosts:\n"
            + names.map { "  - {host: \($0), \(lines[$0] ?? "address: \($0).example")}\n" }.joined()
    }

    func sighting(file: String = "/plans/hosts.yaml") throws -> Sighting {
        let inventory = try InventoryReader.read(
            YAMLDocument(bytes: Array(inventoryText.utf8), file: file)
        )
        return Sighting(inventory: inventory, hosts: try inventory.hosts.map(host))
    }

    func draft(
        standalone: Bool = true,
        place: DraftPlace = DraftPlace(
            plan: "/plans/p.yaml",
            inventory: "./hosts.yaml",
            pkiDirectory: "./pki"
        ),
        _ change: (inout DraftWishes) -> Void = { _ in }
    ) throws -> DraftFile {
        var wishes = DraftWishes()
        wishes.isStandalone = standalone
        change(&wishes)
        return try DraftFile(DraftMaking(try sighting(), wishes: wishes, place: place).draft())
    }

    static func plan(_ file: DraftFile) throws -> MigrationPlan {
        try PlanReader.read(YAMLDocument(bytes: Array(file.text.utf8), file: "/plans/p.yaml"))
    }
}

extension Scene {
    private func host(_ known: InventoryHost) throws -> Sighting.Host {
        let name = known.host.description
        guard !silent.contains(name) else {
            return Sighting.Host(known: known, seen: .silent(reason: "nobody is there"))
        }
        var files: [Sighting.File] = []
        if let server = servers[name] {
            files.append(
                Sighting.File(path: server.config, outcome: server.content ?? .content(content(server)))
            )
        }
        if let broker = brokers[name] { files += self.files(broker) }
        let status = HostStatus(
            host: known.host,
            agentVersion: "1",
            protocolVersion: 1,
            clock: 0,
            agentStartedAt: 0,
            lease: LeaseState(highestEpoch: FencingEpoch(0), current: nil, holder: nil, expiresAt: nil),
            rules: InstalledRules(backend: .nftables, wall: nil, count: 0, counters: [], listing: ""),
            zookeeper: try servers[name].map(status),
            services: brokers[name].map {
                [NamedService(name: $0.service, state: .running(pid: 2), overrides: $0.overrides)]
            } ?? [],
            files: files.map { Self.state($0.path) }
        )
        return Sighting.Host(
            known: known,
            seen: .status(status),
            files: files,
            unread: brokers[name]?.unread ?? []
        )
    }

    private func content(_ server: Server) -> Data {
        Data((server.settings + server.members.joined(separator: "\n") + "\n").utf8)
    }

    private func files(_ broker: Broker) -> [Sighting.File] {
        let id = broker.id.map { "broker.id=\($0)\n" } ?? ""
        let text = "\(id)zookeeper.connect=\(broker.connect)\nlog.dirs=/kafka\n"
        let meta = broker.meta.map {
            Sighting.File(path: "/kafka/meta.properties", outcome: .content(Data($0.utf8)))
        }
        return [Sighting.File(path: broker.config, outcome: .content(Data(text.utf8)))]
            + [meta].compactMap { $0 } + broker.others
    }

    private static func state(_ path: String) -> FileState {
        FileState(
            path: path,
            digest: "ab",
            size: nil,
            mode: nil,
            owner: nil,
            group: nil,
            symlinkTarget: nil,
            changedAt: nil
        )
    }

    private func status(_ server: Server) throws -> ZooKeeperStatus {
        var view: [Member]?
        if !server.members.isEmpty {
            view = try ZooConfiguration(Data((server.members.joined(separator: "\n") + "\n").utf8)).members
        }
        let stats = ServerStats(
            version: server.version,
            role: .follower,
            zxid: Zxid(7),
            connections: 1,
            outstanding: 0,
            nodeCount: 3989,
            syncedFollowers: nil
        )
        return ZooKeeperStatus(
            service: server.service,
            state: server.isRunning ? .running(pid: 1) : .stopped,
            processStartedAt: nil,
            configPath: server.config,
            file: Self.state(server.config),
            fileView: view,
            runningView: server.isRunning ? view : nil,
            serving: server.isRunning ? .yes(stats: stats) : .unreachable(reason: "refused"),
            data: DataDirectory(
                path: "/data",
                logPath: "/data",
                isEmpty: server.isEmpty,
                myid: server.myid ?? server.id,
                currentEpoch: nil,
                acceptedEpoch: nil,
                lastZxid: nil,
                problems: []
            ),
            peerSockets: nil,
            diskFree: 9_000_000_000,
            dataSize: server.dataSize
        )
    }
}
