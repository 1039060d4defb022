import Diagnostics
import FoundationEssentials
import Glibc
import Logs
import Synchronization
import SystemCalls
import TestSupport
import Testing
import Topology
import ZooKeeperClient

/// Real servers of one ensemble on loopback, each with a quorum port: also one alone begins a new epoch with every start.
final class ServerGroup: Sendable {
    static let jar = "/usr/share/java/zookeeper.jar"
    static let isInstalled = access(jar, R_OK) == 0 && access("/usr/bin/java", X_OK) == 0

    let ports: [Int]
    /// Removed when the servers have ended.
    private let folder: TemporaryFolder
    private let pids: Mutex<[pid_t]>
    private let others: Mutex<Task<Void, Never>?>

    /// - Parameters:
    ///   - original: a group whose servers are stopped: data directories are copied.
    ///   - settings: more lines of each zoo.cfg.
    init(_ count: Int, copying original: ServerGroup? = nil, settings: [String] = []) throws {
        folder = try TemporaryFolder()
        let free = try FreePorts.take(3 * count)
        ports = Array(free.prefix(count))
        pids = Mutex([pid_t](repeating: 0, count: count))
        others = Mutex(nil)
        let members = (0..<count).map {
            "server.\($0 + 1)=127.0.0.1:\(free[count + 2 * $0]):\(free[count + 2 * $0 + 1])"
        }
        for place in 0..<count {
            let data = data(place)
            if let original {
                try FileManager.default.copyItem(atPath: original.data(place), toPath: data)
            } else {
                try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
            }
            try Data("\(place + 1)\n".utf8).write(to: URL(filePath: data + "/myid"))
            let lines =
                [
                    "dataDir=\(data)", "clientPort=\(ports[place])", "clientPortAddress=127.0.0.1",
                    "admin.enableServer=false", "tickTime=500", "initLimit=40", "syncLimit=20",
                    "maxSessionTimeout=60000",
                    "maxClientCnxns=0", "standaloneEnabled=false", "4lw.commands.whitelist=*",
                ] + settings + members
            try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: URL(filePath: config(place)))
        }
        for place in 0..<count { try start(place) }
        others.withLock { $0 = Self.comeAndGo(at: ports) }
    }

    /// Somebody else's sessions, one after another: a server of 3.8.0 that has one busy client only may keep an answer back until
    /// another client's transaction comes (ZOOKEEPER-4537).
    private static func comeAndGo(at ports: [Int]) -> Task<Void, Never> {
        Task.detached {
            while !Task.isCancelled {
                for port in ports {
                    guard let server = ConnectString("127.0.0.1:\(port)") else { return }
                    do {
                        let session = try await ZooKeeperSession.connect(server, timeout: .seconds(5))
                        await session.close()
                    } catch {
                        // It has not started yet, or is stopped.
                    }
                    do { try await Task.sleep(for: .seconds(1)) } catch { return }
                }
            }
        }
    }

    deinit {
        others.withLock { $0?.cancel() }
        for place in ports.indices { stop(place) }
    }

    func data(_ place: Int) -> String { "\(folder.path)/data-\(place + 1)" }

    private func config(_ place: Int) -> String { "\(folder.path)/zoo-\(place + 1).cfg" }

    var compared: [ComparedServer] {
        get throws {
            try ports.enumerated()
                .map { place, number in
                    let port = try #require(Port(number))
                    return ComparedServer(name: "z\(place + 1)", server: .init(host: "127.0.0.1", port: port))
                }
        }
    }

    /// Returns when the server serves.
    func session(_ place: Int = 0, _ credentials: [Credentials] = []) async throws -> ZooKeeperSession {
        var options = SessionOptions()
        options.credentials = credentials
        // A request is given up after two thirds of it, and a disk that others keep busy may stall a server for seconds.
        options.sessionTimeout = .seconds(45)
        let servers = try #require(ConnectString("127.0.0.1:\(ports[place])"))
        return try await ZooKeeperSession.connect(servers, timeout: .seconds(90), options: options)
    }

    func start(_ place: Int) throws {
        let arguments = [
            "/usr/bin/java", "-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", Self.jar,
            "org.apache.zookeeper.server.quorum.QuorumPeerMain", config(place),
        ]
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        let log = "\(folder.path)/server-\(place + 1).log"
        posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        let argv = arguments.map { strdup($0) }
        defer { for argument in argv { free(argument) } }
        var spawned: pid_t = 0
        try #require(posix_spawn(&spawned, arguments[0], &actions, nil, argv + [nil], environ) == 0)
        pids.withLock { $0[place] = spawned }
    }

    func stop(_ place: Int) {
        pids.withLock { pids in
            guard pids[place] != 0 else { return }
            var status: Int32 = 0
            if kill(pids[place], SIGKILL) == 0 { waitpid(pids[place], &status, 0) }
            pids[place] = 0
        }
    }
}

/// A tree of 22 directories with 20 nodes each.
func fill(_ session: ZooKeeperSession) async throws {
    _ = try await session.create("/t")
    for directory in 0..<22 {
        _ = try await session.create("/t/d\(directory)")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for node in 0..<20 {
                group.addTask {
                    _ = try await session.create(
                        "/t/d\(directory)/n\(node)",
                        data: Data("data of \(node)".utf8)
                    )
                }
            }
            try await group.waitForAll()
        }
    }
}

func compare(
    _ sides: ComparedSides,
    path: String = "/",
    newer: TreeComparison.Newer = .laterEpochs,
    patience: Duration = .seconds(60),
    except: Set<String> = [],
    _ credentials: [Credentials] = []
) async -> ComparisonReport {
    var options = TreeComparison.Options()
    options.rate = 20_000
    options.newer = newer
    options.patience = patience
    options.credentials = credentials
    options.except = except
    return await TreeComparison(sides, path: path, options: options, timing: .system, log: .silent).report()
}
