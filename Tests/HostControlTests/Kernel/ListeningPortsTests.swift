import Glibc
import SystemCalls
import Testing
import Topology

@testable import HostControl

@Suite("The ports on which a process listens")
struct ListeningPortsTests {
    /// A process that listens on some ports of its own and holds connections to one of them.
    private final class Other: Sendable {
        let pid: Int32
        let ports: [Port]
        private let scratch: Scratch

        init(listeners: Int, connections: Int = 0, before: [String] = []) async throws {
            scratch = try Scratch()
            let output = scratch("ports")
            let program = """
                import resource, socket, sys, time
                listeners, connections = int(sys.argv[1]), int(sys.argv[2])
                resource.setrlimit(resource.RLIMIT_NOFILE, (20000, 20000))
                held, ports = [], []
                for index in range(listeners):
                    family = socket.AF_INET6 if index % 2 else socket.AF_INET
                    s = socket.socket(family)
                    s.bind(("::1" if index % 2 else "127.0.0.1", 0))
                    s.listen(4096)
                    held.append(s)
                    ports.append(str(s.getsockname()[1]))
                for index in range(connections):
                    c = socket.create_connection(held[0].getsockname())
                    held += [c, held[0].accept()[0]]
                u = socket.socket(type=socket.SOCK_DGRAM)
                u.bind(("127.0.0.1", 0))
                print(" ".join(ports), flush=True)
                time.sleep(120)
                """
            pid = try RealZooKeeper.spawn(
                before + ["/usr/bin/python3", "-c", program, "\(listeners)", "\(connections)"],
                log: output
            )
            let isReady = try await eventually { try content(of: output).last == UInt8(ascii: "\n") }
            let said = String(decoding: try content(of: output), as: UTF8.self)
            try #require(isReady, "\(said)")
            ports =
                said.split(whereSeparator: \.isWhitespace).compactMap { Int($0).flatMap { Port($0) } }
            try #require(ports.count == listeners)
        }

        deinit {
            kill(pid, SIGKILL)
            waitpid(pid, nil, 0)
        }
    }

    @Test("they are its own, of both families, and not those of others")
    func own() async throws {
        let other = try await Other(listeners: 4)
        let third = try await Other(listeners: 0)
        // Opened last: children inherit what this process has open.
        let mine = try Listener()
        #expect(ListeningPorts.of(pid: other.pid) == Set(other.ports))
        #expect(ListeningPorts.of(pid: third.pid) == [])
        #expect(ListeningPorts.of(pid: getpid())?.contains(mine.port) == true)
        #expect(ListeningPorts.of(pid: getpid())?.isDisjoint(with: other.ports) == true)
    }

    @Test("the kernel's tables as text tell the same")
    func text() async throws {
        let other = try await Other(listeners: 4)
        let diagnosed = try #require(SocketDiagnosis.listening())
        let read = try #require(ListeningPorts.listeners(in: "/proc/\(other.pid)/net"))
        // Others on this machine come and go.
        for port in other.ports {
            let found = Set(diagnosed.filter { $0.port == port })
            #expect(found.count == 1 && found == Set(read.filter { $0.port == port }))
        }
    }

    @Test("of a process that is gone nothing is known, nor from a table that cannot be read")
    func unknown() async throws {
        var other: Other? = try await Other(listeners: 1)
        let pid = try #require(other?.pid)
        other = nil
        #expect(ListeningPorts.of(pid: pid) == nil)
        let scratch = try Scratch()
        #expect(ListeningPorts.listeners(in: scratch.path) == nil)
        try scratch.file("tcp", Array("  sl  local_address\n".utf8))
        #expect(ListeningPorts.listeners(in: scratch.path) == [])
        try scratch.directory("tcp6")
        #expect(ListeningPorts.listeners(in: scratch.path) == nil)
    }

    @Test("of a process in another network namespace its own table counts", .needsNamespaces)
    func namespace() async throws {
        // With no interface up, not even its own loopback.
        let other = try await Other(
            listeners: 3,
            before: ["/usr/bin/unshare", "--net", "/bin/sh", "-c", "ip link set lo up && exec \"$@\"", "sh"]
        )
        #expect(ListeningPorts.of(pid: other.pid) == Set(other.ports))
    }

    @Test("thousands of connections cost milliseconds")
    func many() async throws {
        let other = try await Other(listeners: 3, connections: 2500)
        var times: [Double] = []
        for _ in 0..<11 {
            let start = ContinuousClock.now
            #expect(ListeningPorts.of(pid: other.pid) == Set(other.ports))
            times.append((ContinuousClock.now - start).seconds * 1000)
        }
        times.sort()
        print("bench: the listening ports of a process with 5000 connected sockets: median \(times[5]) ms")
        // A machine that is busy with other things takes its time.
        #expect(times[0] < 1000)
    }
}
