import Diagnostics
import FoundationEssentials
import Glibc
import Logs
import Testing
import ZooKeeperClient

@Suite(
    "smoke tests of real ensembles",
    .serialized,
    .enabled(if: ServerGroup.isInstalled, "ZooKeeper or Java is not installed"),
    .timeLimit(.minutes(10))
)
struct SmokeTestTests {
    private static let root = "/mitosis-smoketest"

    @Test(
        "a healthy ensemble is good, again with what a test left empty, and not where the root has children"
    )
    func healthy() async throws {
        let group = try ServerGroup(3)
        defer { withExtendedLifetime(group) {} }
        let session = try await group.session()
        for place in 1...2 { await (try await group.session(place)).close() }
        let first = await smoke(try group.compared)
        #expect(first.isGood, "\(SmokeText(first).text)")
        #expect(first.milliseconds[0].count == 7 && first.milliseconds[1].count == 6)
        #expect(first.milliseconds[2][.cleanUp] != nil)
        #expect(try await session.exists(Self.root) == nil)
        #expect(kazooVerdict(group.ports))

        _ = try await session.create(Self.root)
        let again = await smoke(try group.compared)
        #expect(again.isGood && again.notes.count == 1)
        #expect(try await session.exists(Self.root) == nil)

        _ = try await session.create(Self.root)
        _ = try await session.create(Self.root + "/somebody")
        let refused = await smoke(try group.compared)
        #expect(refused.failures.map(\.step) == [.root])
        #expect(try await session.children(Self.root).names == ["somebody"])
        #expect(!kazooVerdict(group.ports))
        await session.close()
    }

    @Test("two halves that both serve are not taken for one ensemble, and nothing is left on either")
    func split() async throws {
        let halves = [try ServerGroup(1), try ServerGroup(1)]
        defer { withExtendedLifetime(halves) {} }
        let sessions = [try await halves[0].session(), try await halves[1].session()]
        let servers = try halves.flatMap { try $0.compared }
        let apart = await smoke(servers)
        #expect(apart.failures.map(\.step) == [.create])
        #expect(!kazooVerdict(halves.flatMap(\.ports)))
        // With a root on both, each half lacks the other's node.
        _ = try await sessions[1].create(Self.root)
        let blind = await smoke(servers)
        #expect(blind.failures.map(\.step) == [.children, .children])
        #expect(try await sessions[0].exists(Self.root) == nil)
        #expect(try await sessions[1].children(Self.root).names.isEmpty)
        for session in sessions { await session.close() }
    }

    @Test("a dead server, and a minority without a quorum, end the test before anything is written")
    func halfDead() async throws {
        let group = try ServerGroup(3)
        defer { withExtendedLifetime(group) {} }
        let session = try await group.session()
        let before = try #require(try await session.exists("/")).pzxid
        group.stop(2)
        let dead = await smoke(try group.compared, timeout: .seconds(5))
        #expect(dead.failures.map(\.server) == ["z3"])
        #expect(dead.failures.map(\.step) == [.session])
        #expect(!kazooVerdict(group.ports))
        let rest = await smoke(Array(try group.compared.prefix(2)))
        #expect(rest.isGood, "\(SmokeText(rest).text)")
        #expect(try #require(try await session.exists("/")).pzxid > before)

        let quiet = try #require(try await session.exists("/")).pzxid
        let latencies = await latency(try group.compared, timeout: .seconds(5))
        #expect(latencies.failures.map(\.server) == ["z3"])
        #expect(latencies.rows.isEmpty)
        #expect(try #require(try await session.exists("/")).pzxid == quiet)
        await session.close()
        group.stop(1)
        let alone = await smoke(try group.compared, timeout: .seconds(5))
        #expect(alone.failures.map(\.server) == ["z1", "z2", "z3"])
    }

    @Test("latencies are told of every part on every server, pipelined and one by one, and nothing stays")
    func latencies() async throws {
        let group = try ServerGroup(3)
        defer { withExtendedLifetime(group) {} }
        let owner = Credentials.digest(user: "kafka", password: "secret")
        let session = try await group.session(0, [owner])
        var others = [session]
        for place in 1...2 { others.append(try await group.session(place)) }
        // A server of 3.8.0 with a single client can leave it waiting until its session ends (ZOOKEEPER-4537), unless another
        // one's request passes.
        let companions = Task { [others] in
            while !Task.isCancelled {
                for other in others { try await other.sync("/") }
                try await Task.sleep(for: .milliseconds(100))
            }
        }
        defer { companions.cancel() }
        for isSynchronous in [false, true] {
            let report = await latency(try group.compared, count: 40, watches: 2, isSynchronous)
            #expect(report.isGood, "\(LatencyText(report).text)")
            #expect(report.rows.count == 3 * LatencyPart.allCases.count)
            for row in report.rows {
                #expect(row.operations == (row.part == .watch || row.part == .notifications ? 80 : 40))
                #expect(row.p50 <= row.p95 && row.p95 <= row.p99 && row.p99 <= row.most)
                #expect(row.most <= row.totalMilliseconds && row.perSecond > 0)
            }
        }
        companions.cancel()
        _ = await companions.result
        for other in others.dropFirst() { await other.close() }
        #expect(try await session.exists("/mitosis-latencies") == nil)

        // A root for its owner only: with credentials, and not without.
        try await session.setAccess("/", .creatorAll)
        #expect(await smoke(try group.compared).failures.map(\.step) == [.root])
        let allowed = await smoke(try group.compared, [owner])
        #expect(allowed.isGood, "\(SmokeText(allowed).text)")
        #expect(!(await latency(try group.compared, count: 1)).isGood)
        await session.close()
    }

    private func smoke(
        _ servers: [ComparedServer],
        timeout: Duration = .seconds(60),
        _ credentials: [Credentials] = []
    ) async -> SmokeReport {
        var options = SmokeTest.Options()
        options.timeout = timeout
        options.credentials = credentials
        return await SmokeTest(servers, options: options, log: .silent).report()
    }

    private func latency(
        _ servers: [ComparedServer],
        count: Int = 10,
        watches: Int = 1,
        _ isSynchronous: Bool = false,
        timeout: Duration = .seconds(60)
    ) async -> LatencyReport {
        var options = LatencyTest.Options()
        options.count = count
        options.watches = watches
        options.isSynchronous = isSynchronous
        options.timeout = timeout
        return await LatencyTest(servers, options: options, log: .silent).report()
    }

    /// What the original's rules, through kazoo, say of the same servers, with the same root.
    private func kazooVerdict(_ ports: [Int]) -> Bool {
        let program = """
            import sys, threading
            from kazoo.client import KazooClient
            root, clients, ports = "\(Self.root)", [], sys.argv[1:]
            def path(i): return "%s/session_%d" % (root, i)
            def client(port):
                zk = KazooClient(hosts="127.0.0.1:" + port, timeout=10)
                zk.start(timeout=5)
                return zk
            first = client(ports[0])
            if not first.exists(root): first.create(root)
            assert not first.get_children(root)
            try:
                for i, port in enumerate(ports):
                    clients.append(client(port))
                    clients[i].create(path(i), ephemeral=True)
                seen = [[] for _ in ports]
                told = threading.Semaphore(0)
                for i, zk in enumerate(clients):
                    zk.sync("/")
                    assert len(zk.get_children(root)) == len(clients)
                    def watch(event, i=i):
                        seen[i].append(event.path)
                        told.release()
                    for j in range(len(clients)): zk.get(path(j), watch)
                for i, zk in enumerate(clients): zk.delete(path(i))
                for _ in range(len(clients) ** 2): assert told.acquire(timeout=30)
                assert all(paths == [path(j) for j in range(len(clients))] for paths in seen)
            finally:
                for zk in clients: zk.stop()
                first.delete(root)
            """
        var pid: pid_t = 0
        let arguments = ["/usr/bin/python3", "-c", program] + ports.map(String.init)
        let argv = arguments.map { strdup($0) }
        defer { for argument in argv { free(argument) } }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for descriptor: Int32 in 0...2 {
            posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_RDWR, 0)
        }
        guard posix_spawn(&pid, arguments[0], &actions, nil, argv + [nil], environ) == 0 else { return false }
        var status: Int32 = -1
        waitpid(pid, &status, 0)
        return status == 0
    }
}
