import ControlProtocol
import FoundationEssentials
import Glibc
import Subprocess
import SystemCalls
import TestSupport
import Testing
import Topology

@testable import HostControl

/// One real ZooKeeper server as a process of its own, with its data in a scratch directory, on loopback.
final class RealZooKeeper: Sendable {
    static let jar = "/usr/share/java/zookeeper.jar"
    static let isInstalled = access(jar, R_OK) == 0 && access("/usr/bin/java", X_OK) == 0
    /// In CI a test that needs it fails without it; elsewhere it is skipped.
    static let isExpected = isInstalled || getenv("CI").map { String(cString: $0) } == "true"

    let scratch: Scratch
    let config: String
    let pid: Int32

    /// `settings`: lines of zoo.cfg beyond the directories; `scratch`: where an earlier server's directories are.
    init(
        _ settings: [String],
        myid: Int? = nil,
        javaOptions: [String] = [],
        environment: [String: String] = [:],
        in scratch: Scratch? = nil
    ) throws {
        let isNew = scratch == nil
        let scratch = try scratch ?? Scratch()
        self.scratch = scratch
        if isNew {
            try scratch.directory("data")
            try scratch.directory("log")
        }
        if let myid { try scratch.file("data/myid", Array("\(myid)\n".utf8)) }
        let lines =
            [
                "dataDir=\(scratch("data"))", "dataLogDir=\(scratch("log"))", "admin.enableServer=false",
                "tickTime=500", "initLimit=20", "syncLimit=10",
            ] + settings
        config = try scratch.file("zoo.cfg", Array((lines.joined(separator: "\n") + "\n").utf8))
        // Later than the file by more than any clock's granularity, as a real deployment is.
        usleep(50_000)
        let arguments =
            ["/usr/bin/java", "-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"] + javaOptions
            + ["-cp", Self.jar, "org.apache.zookeeper.server.quorum.QuorumPeerMain", config]
        pid = try Self.spawn(arguments, log: scratch("server.log"), environment: environment)
    }

    deinit { end() }

    /// At once, as a crash would; the process is reaped, so that its pid is gone.
    func end() {
        var status: Int32 = 0
        if kill(pid, SIGKILL) == 0 { waitpid(pid, &status, 0) }
    }

    /// `config`: knows the file also when no process names it.
    func inspector(stateDirectory: String? = nil, config isKnown: Bool = false) -> ZooKeeperInspector {
        ZooKeeperInspector(
            service: "zookeeper",
            configPath: isKnown ? config : "/nonexistent/zoo.cfg",
            allowed: [config],
            stateDirectory: stateDirectory ?? scratch("state"),
            supervisor: KnownProcess(pid: pid)
        )
    }

    /// The port is free now; nothing else on this machine hands it out before the server has it.
    static func freePort() throws -> Port { try #require(Port(FreePorts.take(1)[0])) }

    static func spawn(_ arguments: [String], log: String, environment: [String: String] = [:]) throws -> Int32
    {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        let argv = arguments.map { strdup($0) }
        defer { for argument in argv { free(argument) } }
        let inherited = ProcessInfo.processInfo.environment
        let variables = inherited.merging(environment) { $1 }.map { strdup("\($0)=\($1)") }
        defer { for variable in variables { free(variable) } }
        var pid: pid_t = 0
        try #require(posix_spawn(&pid, arguments[0], &actions, nil, argv + [nil], variables + [nil]) == 0)
        return pid
    }

    /// Runs a program to its end and gives what it printed.
    static func run(_ arguments: [String]) async throws -> String {
        let ended = try await HostCommand(arguments: arguments).capture(within: .seconds(60))
        try #require(ended.status == .exited(0), "\(arguments): \(ended.diagnostics)")
        return ended.output
    }

    /// Creates nodes one after another and gives the zxid of the last acknowledged one.
    ///
    /// The session is not closed.
    static func write(_ count: Int, to port: Port) async throws -> Zxid {
        let text = try await run([
            "/usr/bin/python3", "-c",
            """
            import os, sys
            from kazoo.client import KazooClient
            zk = KazooClient("127.0.0.1:\(port)", timeout=30)
            zk.start(timeout=20)
            zk.ensure_path("/t")
            for i in range(\(count)):
                _, stat = zk.create("/t/n", b"x" * (i * 37 % 5000), sequence=True, include_data=True)
            print(hex(stat.czxid), flush=True)
            os._exit(0)
            """,
        ])
        return try #require(Zxid(hexadecimal: text))
    }
}

/// Says that the process runs for as long as it does.
struct KnownProcess: ServiceSupervisor {
    let pid: Int32
    let showsStopping = false

    func state(of service: String) async throws(ServiceError) -> ServiceState {
        ProcessIdentity.isAlive(pid) ? .running(pid: pid) : .stopped
    }

    func start(_ service: String) async throws(ServiceError) {
        throw .refused(.notAllowed(reason: "this one only looks"))
    }

    func stop(_ service: String) async throws(ServiceError) {
        throw .refused(.notAllowed(reason: "this one only looks"))
    }
}
