import ControlProtocol
import Glibc
import Testing
import Topology

@testable import HostControl

/// Whether there is a server to detach, by what its service manager says.
@Suite("The host's own server")
struct LocalServerTests {
    private struct Supervisor: ServiceSupervisor {
        let said: Result<ServiceState, ServiceError>
        let showsStopping = false

        func state(of service: String) async throws(ServiceError) -> ServiceState { try said.get() }

        func start(_ service: String) async throws(ServiceError) {
            throw .refused(.notAllowed(reason: "this one only speaks"))
        }

        func stop(_ service: String) async throws(ServiceError) {
            throw .refused(.notAllowed(reason: "this one only speaks"))
        }
    }

    private let scratch: Scratch
    private let port: Port

    init() throws {
        scratch = try Scratch()
        for name in ["data", "state"] { try scratch.directory(name) }
        port = try RealZooKeeper.freePort()
        let lines = "dataDir=\(scratch("data"))\nclientPort=\(port)\nclientPortAddress=127.0.0.1\n"
        try scratch.file("zoo.cfg", Array(lines.utf8))
    }

    private func inspector(
        _ said: Result<ServiceState, ServiceError>,
        config: String = "zoo.cfg"
    ) -> ZooKeeperInspector {
        ZooKeeperInspector(
            service: "zookeeper",
            configPath: scratch(config),
            stateDirectory: scratch("state"),
            supervisor: Supervisor(said: said)
        )
    }

    private func attached(
        _ said: Result<ServiceState, ServiceError>,
        service: String = "zookeeper",
        config: String = "zoo.cfg"
    ) async throws(DetachError) -> AttachedServer? {
        let supervisor = Supervisor(said: said)
        return try await LocalServer(
            inspector: inspector(said, config: config),
            services: ServiceController(supervisor: supervisor),
            service: service
        ).attached()
    }

    private static let said: [Result<ServiceState, ServiceError>] = [
        .success(.failed(reason: "status ended with 4")),
        .failure(.commandSilent(command: "status", seconds: 5)),
    ]

    @Test("it is stopped when its service manager says so")
    func stopped() async throws {
        #expect(try await attached(.success(.stopped))?.pid == nil)
    }

    @Test("one that has failed is stopped when nobody listens on its client port", arguments: said)
    func failed(said: Result<ServiceState, ServiceError>) async throws {
        #expect(try await attached(said)?.pid == nil)
    }

    @Test("one that its service manager has lost, and that still listens, is not stopped", arguments: said)
    func lost(said: Result<ServiceState, ServiceError>) async throws {
        let listener = try FirewallSocket.listening(at: address("127.0.0.1"), port)
        let error = await #expect(throws: DetachError.self) { _ = try await attached(said) }
        guard case .silent("zookeeper", let reason) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(reason.contains("127.0.0.1:\(port)"))
        // Its data stays where it is.
        try scratch.directory("data/version-2")
        let supervisor = Supervisor(said: said)
        let detacher = Detacher(
            inspector: inspector(said),
            services: ServiceController(supervisor: supervisor),
            firewall: Firewalls.make(backend: .nftables, protectedPorts: []),
            stateDirectory: scratch("state"),
            orders: .of(scratch("state"))
        )
        let run = try #require(RunID("run-1"))
        await #expect(throws: DetachError.self) { try await detacher.setAside("zookeeper", for: run) }
        #expect(try scratch.names(in: "data") == ["version-2"])
        withExtendedLifetime(listener) {}
    }

    @Test("one that has failed, and of which the client port is not known, may run")
    func unknownPort() async throws {
        for said in Self.said {
            await #expect(throws: DetachError.self) { _ = try await attached(said, config: "none.cfg") }
        }
    }

    @Test("it is left alone while it is started or stopped, and when nothing can be asked of it")
    func silent() async throws {
        let error = await #expect(throws: DetachError.self) { _ = try await attached(.success(.changing)) }
        #expect(error == .silent(service: "zookeeper", reason: "it is being started or stopped"))
        // This process listens on no port that it could be asked at.
        await #expect(throws: DetachError.self) { _ = try await attached(.success(.running(pid: getpid()))) }
    }

    @Test("another service of the host is refused")
    func otherService() async throws {
        let error = await #expect(throws: DetachError.self) {
            _ = try await attached(.success(.stopped), service: "kafka")
        }
        guard case .refused(.notAllowed(let reason)) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(reason.contains("zookeeper"))
    }
}
