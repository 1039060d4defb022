import ControlProtocol
import FoundationEssentials
import Glibc
import LabKit
import SystemCalls
import Testing
import Topology

@testable import HostControl

/// An ensemble of three real servers, each a service of a host of its own; `walled` is the one that is detached.
struct EnsembleBench {
    static let client = port(2181)
    static let wall = Wall(
        peers: FirewallBench.peer + FirewallBench.other,
        scope: .ports(numbers: [port(2888), port(3888)])
    )
    private static let hosts = ["walled", "peer", "other"]
    private static let service = "zookeeper"

    let bench: FirewallBench
    /// The logs of `walled` lie on it.
    let disk: SlowDisk
    /// By host, in the order of their ids.
    private let servers: [Server]
    /// Of the agent and of the writer on `other`.
    private let scratch: Scratch

    private struct Server {
        let scratch: Scratch
        let commands: ServiceCommands

        var supervisor: CommandSupervisor {
            CommandSupervisor(services: [EnsembleBench.service: commands], logs: scratch("logs"))
        }

        var pid: Int32? {
            get throws {
                guard access(scratch("pid"), F_OK) == 0 else { return nil }
                return Int32(String(decoding: try content(of: scratch("pid")), as: UTF8.self))
            }
        }
    }

    static let isExpected = RealZooKeeper.isExpected && FirewallBench.requirement()

    /// Makes the hosts, runs the body when all three serve, and takes everything down whatever happened.
    static func run(_ body: (EnsembleBench) async throws -> Void) async throws {
        try await FirewallBench.run { bench in
            let ensemble = try await EnsembleBench(on: bench)
            defer { #expect(throws: Never.self) { try ensemble.clean() } }
            try await ensemble.start()
            try await body(ensemble)
        }
    }

    private init(on bench: FirewallBench) async throws {
        self.bench = bench
        scratch = try Scratch()
        try scratch.directory("state")
        disk = try await SlowDisk.make(in: scratch.path)
        var servers: [Server] = []
        for (index, host) in Self.hosts.enumerated() {
            let environment = index == 0 ? disk.environment : [:]
            servers.append(try Self.server(index + 1, bench.network.namespace(of: host), environment))
        }
        self.servers = servers
        // Later than the files by more than any clock's granularity, as in a real deployment.
        try await Task.sleep(for: .milliseconds(50))
    }

    private static func server(
        _ id: Int,
        _ namespace: String,
        _ environment: [String: String]
    ) throws -> Server {
        let scratch = try Scratch()
        for name in ["data", "log", "logs"] { try scratch.directory(name) }
        try scratch.file("data/myid", Array("\(id)\n".utf8))
        let addresses = [FirewallBench.walled, FirewallBench.peer, FirewallBench.other].map { $0[0] }
        let config =
            [
                "dataDir=\(scratch("data"))", "dataLogDir=\(scratch("log"))", "clientPort=\(client)",
                "admin.enableServer=false", "tickTime=500", "initLimit=20", "syncLimit=10",
            ] + addresses.enumerated().map { "server.\($0 + 1)=\($1):2888:3888" }
        let path = try scratch.file("zoo.cfg", Array((config.joined(separator: "\n") + "\n").utf8))
        let enter = [PacketTools.path(of: "ip") ?? "ip", "netns", "exec", namespace]
        let java = [
            "/usr/bin/java", "-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp",
            RealZooKeeper.jar, "org.apache.zookeeper.server.quorum.QuorumPeerMain", path,
        ]
        let variables = ["/usr/bin/env"] + environment.map { "\($0)=\($1)" }
        let program = try scratch.file("service.py", Array(text.utf8))
        let arguments = { (verb: String) in ["/usr/bin/python3", program, verb] }
        return Server(
            scratch: scratch,
            commands: ServiceCommands(
                start: arguments("start") + enter + variables + java,
                stop: arguments("stop"),
                status: arguments("status")
            )
        )
    }

    private func start() async throws {
        for server in servers {
            let request = ServiceRequest(service: Self.service, action: .start)
            _ = try await ServiceController(supervisor: server.supervisor).perform(request) { _ in }
        }
        for host in Self.hosts {
            let serves = try await eventually(within: .seconds(60)) {
                if case .yes = try serving(on: host) { return true }
                return false
            }
            try #require(serves, "\(host) must serve")
        }
    }

    private func clean() throws {
        for server in servers {
            if let pid = try server.pid { kill(pid, SIGKILL) }
        }
    }

    var pid: Int32 { get throws { try #require(try servers[0].pid) } }

    var state: ServiceState { get async throws { try await servers[0].supervisor.state(of: Self.service) } }

    func serving(on host: String = "walled") throws -> Serving {
        let loopback = address("127.0.0.1")
        return try FirewallSocket.inside(bench.network.namespace(of: host)) {
            ServingReader.ask(loopback, Self.client)
        }
    }

    /// What `walled` has on its disk.
    func data() -> DataDirectory { RealData(scratch: servers[0].scratch).read() }

    func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// The other two, as in a crash of both.
    func endPeers() throws {
        for server in servers[1...] { kill(try #require(try server.pid), SIGKILL) }
    }

    func presence(of zxids: [Zxid]) throws -> [Zxid: Presence] {
        let scratch = servers[0].scratch
        return try HistoryReader.presence(of: zxids, dataDir: scratch("data"), logDir: scratch("log"))
    }

    /// As an agent on `walled` has it, and with all that it does on that host's network.
    func withDetacher<Value: Sendable>(_ body: (Detacher) async throws -> Value) async throws -> Value {
        let detacher = Detacher(
            inspector: ZooKeeperInspector(
                service: Self.service,
                configPath: servers[0].scratch("zoo.cfg"),
                stateDirectory: scratch("state"),
                supervisor: servers[0].supervisor
            ),
            services: ServiceController(supervisor: servers[0].supervisor),
            firewall: bench.lasting(.nftables),
            stateDirectory: scratch("state"),
            orders: .of(scratch("state"))
        )
        let executor = NamespaceExecutor(bench.network.namespace(of: "walled"))
        return try await withTaskExecutorPreference(executor) { try await body(detacher) }
    }

    func request(seconds: Int = 60) throws -> DetachRequest {
        DetachRequest(service: Self.service, pid: try pid, wall: Self.wall, seconds: seconds)
    }

    /// A client on `other` that is connected to `walled` alone, and never stops writing until it is ended.
    func startWriting() throws -> Int32 {
        try RealZooKeeper.spawn(
            [
                PacketTools.path(of: "ip") ?? "ip", "netns", "exec", bench.network.namespace(of: "other"),
                "/usr/bin/python3", "-c", Self.writer, "\(FirewallBench.walled[0]):\(Self.client)",
                scratch("told"),
            ],
            log: scratch("writer.log")
        )
    }

    /// What that client was told of, as it was told; whole lines only.
    func told() throws -> [Zxid] {
        guard exists(scratch("told")) else { return [] }
        let text = String(decoding: try content(of: scratch("told")), as: UTF8.self)
        return text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
            .compactMap { Zxid(hexadecimal: $0) }
    }

    private static let writer = """
        import logging, os, sys, threading, time
        from kazoo.client import KazooClient
        from kazoo.exceptions import KazooException
        logging.disable(logging.CRITICAL)
        told = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        again = dict(max_tries=-1, delay=0.05, max_delay=0.2)
        zk = KazooClient(sys.argv[1], timeout=20, connection_retry=again)
        zk.start(timeout=20)
        zk.ensure_path("/t")

        def client():
            while True:
                try:
                    _, stat = zk.create("/t/n", b"x" * 100, sequence=True, include_data=True)
                    os.write(told, (hex(stat.czxid) + "\\n").encode())
                except KazooException:
                    time.sleep(0.02)

        for _ in range(3): threading.Thread(target=client, daemon=True).start()
        time.sleep(120)
        """

    private static let text = """
        import os, signal, sys, time
        here = os.path.dirname(os.path.abspath(__file__))
        pidfile = os.path.join(here, "pid")

        def running():
            try:
                pid = int(open(pidfile).read())
                if open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[0] != "Z":
                    return pid
            except (OSError, ValueError):
                return None

        pid = running()
        if sys.argv[1] == "status":
            if pid is None:
                sys.exit(3)
            print(pid)
        elif sys.argv[1] == "stop":
            if pid is not None:
                os.kill(pid, signal.SIGTERM)
            while running() is not None:
                time.sleep(0.01)
        elif os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                with open(pidfile + ".new", "w") as f:
                    f.write(str(os.getpid()))
                os.rename(pidfile + ".new", pidfile)
                os.execv(sys.argv[2], sys.argv[2:])
            os._exit(0)
        else:
            while running() is None:
                time.sleep(0.01)

        """
}

/// Runs tasks on threads that live in a network namespace, as an agent on that host does.
private final class NamespaceExecutor: TaskExecutor {
    private let namespace: String

    init(_ namespace: String) { self.namespace = namespace }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let executor = asUnownedTaskExecutor()
        BlockingThread.start { [namespace] in
            do {
                try FirewallSocket.inside(namespace) { job.runSynchronously(on: executor) }
            } catch {
                // A task must be run somewhere; it will miss its server, and the test will say so.
                job.runSynchronously(on: executor)
            }
        }
    }
}
