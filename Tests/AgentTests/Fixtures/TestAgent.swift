import AgentClient
import AgentServer
import ControlProtocol
import FoundationEssentials
import Logging
import Logs
import MutualTLS
import NIOCore
import NIOPosix
import Settings
import Synchronization
import Topology

/// A real agent on a port of the loopback interface, with certificates of its own authority.
final class TestAgent: Sendable {
    static let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)

    let authority: TestAuthority
    let host: ScriptedHost
    let log: LogCapture
    let port: Int
    private let program: AgentProgram
    private let stop: AsyncStream<Void>.Continuation
    private let running: Task<Void, Never>

    private init(
        _ authority: TestAuthority,
        _ host: ScriptedHost,
        _ log: LogCapture,
        _ port: Int,
        _ program: AgentProgram,
        _ clock: TestClock,
        grace: Duration
    ) {
        self.authority = authority
        self.host = host
        self.log = log
        self.port = port
        self.program = program
        self.clock = clock
        let (stream, stop) = AsyncStream<Void>.makeStream()
        self.stop = stop
        running = Task { await program.run(until: { for await _ in stream { break } }, grace: grace) }
    }

    let clock: TestClock

    /// - Parameters:
    ///   - after: an agent that has been stopped, whose state and port this one takes over.
    ///   - host: what it runs on, if not what the earlier one ran on.
    static func start(
        after earlier: TestAgent? = nil,
        authority: TestAuthority? = nil,
        host: ScriptedHost? = nil,
        port: Int = 0,
        limits: AgentListener.Limits = AgentListener.Limits(),
        grace: Duration = .seconds(30)
    ) async throws -> TestAgent {
        let authority = try authority ?? earlier?.authority ?? TestAuthority()
        let host = host ?? earlier?.host ?? ScriptedHost()
        let clock = earlier?.clock ?? TestClock()
        let log = LogCapture()
        let program = try await AgentProgram.start(
            configuration: try configuration(authority),
            host: host,
            clock: clock.clock,
            log: log.logger,
            group: group,
            limits: limits,
            port: earlier?.port ?? port
        )
        guard let port = program.listener.address?.port else { throw TestProblem("no port") }
        return TestAgent(authority, host, log, port, program, clock, grace: grace)
    }

    /// Runs `body` with an agent, which is stopped whatever becomes of it.
    static func with(
        authority: TestAuthority? = nil,
        host: ScriptedHost? = nil,
        limits: AgentListener.Limits = AgentListener.Limits(),
        _ body: (TestAgent) async throws -> Void
    ) async throws {
        let agent = try await start(authority: authority, host: host, limits: limits)
        do {
            try await body(agent)
        } catch {
            await agent.end()
            throw error
        }
        await agent.end()
    }

    func end() async {
        host.release()
        await quit()
    }

    /// Stops without letting a held command go on.
    func quit() async {
        stop.yield()
        await running.value
    }

    static func configuration(
        _ authority: TestAuthority,
        file: String = "/etc/zookeeper/conf/zoo.cfg"
    ) throws -> AgentConfiguration {
        let files = try authority.issue("agent/s1")
        let isListed = FileManager.default.fileExists(atPath: authority.list)
        let list = isListed ? ", revoked: \(authority.list)" : ""
        let text = """
            host: s1
            listen: {address: "127.0.0.1", port: 9760}
            tls: {certificate: \(files.certificate), key: \(files.key), authority: \(files.authority), trust_domain: mitosis\(list)}
            state: \(authority.directory.path)/state
            firewall: {backend: nftables, protected_ports: [22], peers: [198.51.100.0/24, "2001:db8::/64"]}
            files: [\(file)]
            services: {manager: systemd, allow: [zookeeper.service]}
            """
        return try AgentConfigurationReader.read(YAMLDocument(bytes: Array(text.utf8), file: "agent.yaml"))
    }

    func client(
        _ identity: String = "coordinator/ops",
        files: TLSFiles? = nil,
        host: String = "s1",
        patience: Patience = Patience(),
        log: Logger = .silent
    ) throws -> AgentClient {
        guard let name = HostName(host), let port = Port(port) else { throw TestProblem("host or port") }
        return AgentClient(
            host: name,
            identity: try TestAuthority.peer("agent/" + host),
            address: "127.0.0.1",
            port: port,
            tls: try authority.context(identity, files: files ?? authority.issue(identity)),
            group: Self.group,
            patience: patience,
            log: log
        )
    }

    func stateFile(_ name: String) throws -> String { try authority.directory.read("state/" + name) }
}

/// A clock that a test sets forward.
final class TestClock: Sendable {
    private let offset = Mutex(Duration.zero)

    func advance(_ duration: Duration) { offset.withLock { $0 += duration } }

    var clock: HostClock {
        HostClock {
            let passed = self.offset.withLock { $0 }
            return Moment(
                sinceBoot: .seconds(1000) + passed,
                unixMilliseconds: 1_800_000_000_000 + passed.components.seconds * 1000
            )
        }
    }
}

/// Values that tests are full of.
enum Sample {
    static func lease(_ run: String = "run-1", _ epoch: UInt64 = 1) throws -> Lease {
        guard let run = RunID(run) else { throw TestProblem("run id") }
        return Lease(runID: run, epoch: FencingEpoch(epoch))
    }

    static func request(
        _ lease: Lease,
        seconds: Int = 30,
        takeOver: Bool = false
    ) -> LeaseRequest {
        LeaseRequest(lease: lease, secondsToLive: seconds, takeOver: takeOver)
    }

    static func id(_ text: String = "run-1.wall.s1") throws -> CommandID {
        guard let id = CommandID(text) else { throw TestProblem("command id") }
        return id
    }

    static func wall(_ peer: String = "198.51.100.7", ports: [Int] = [2888, 3888]) throws -> Wall {
        guard let peer = IPAddress(peer) else { throw TestProblem("address") }
        return Wall(peers: [peer], scope: .ports(numbers: ports.compactMap { Port($0) }))
    }

    static func command(
        _ lease: Lease,
        id: String = "run-1.wall.s1",
        _ command: Command? = nil
    ) throws -> CommandRequest {
        CommandRequest(
            id: try Sample.id(id),
            lease: lease,
            command: try command ?? .installWall(wall: wall())
        )
    }
}
