import CZooKeeper
import FoundationEssentials
import Glibc
import Testing
import Topology

@testable import ZooKeeperClient

@Suite(
    "operations against a real server",
    .serialized,
    .enabled(if: LoopbackServer.isInstalled, "ZooKeeper or Java is not installed"),
    .timeLimit(.minutes(10))
)
struct OperationTests {
    @Test("a node is made, read, changed, listed and deleted")
    func lifeOfANode() async throws {
        let server = try LoopbackServer()
        defer { withExtendedLifetime(server) {} }
        let zk = try await session(server)
        #expect(try await zk.create("/a", data: bytes("one")) == "/a")
        let first = try await zk.get("/a")
        #expect(first.data == bytes("one"))
        #expect(first.stat.version == 0)
        #expect(first.stat.czxid == first.stat.mzxid)
        #expect(first.stat.ephemeralOwner == nil)
        #expect(first.stat.dataLength == 3)
        #expect(abs(Double(first.stat.ctime) / 1000 - Date().timeIntervalSince1970) < 60)

        let changed = try await zk.set("/a", data: bytes("two"), version: 0)
        #expect(changed.version == 1)
        #expect(changed.mzxid > first.stat.czxid)
        #expect(changed.czxid == first.stat.czxid)

        _ = try await zk.create("/a/y")
        _ = try await zk.create("/a/x", mode: .container)
        let children = try await zk.children("/a")
        #expect(children.names == ["x", "y"])
        #expect(children.stat.childCount == 2)
        #expect(try await zk.get("/a/y").data == Data())
        #expect(try await zk.exists("/a/x")?.ephemeralOwner == nil)
        #expect(try await zk.exists("/b") == nil)
        try await zk.sync("/a")

        #expect(await failure { try await zk.delete("/a") } == .notEmpty("/a"))
        try await zk.delete("/a/x")
        try await zk.delete("/a/y", version: 0)
        try await zk.delete("/a", version: 1)
        #expect(try await zk.exists("/a") == nil)
        await zk.close()
    }

    @Test("binary data and a megabyte less a header come back as written")
    func data() async throws {
        let server = try LoopbackServer()
        defer { withExtendedLifetime(server) {} }
        let zk = try await session(server)
        let binary = Data((0..<1000).map { UInt8(truncatingIfNeeded: $0) })
        _ = try await zk.create("/binary", data: binary)
        #expect(try await zk.get("/binary").data == binary)
        let large = Data(repeating: 7, count: 1_000_000)
        _ = try await zk.create("/large", data: large)
        #expect(try await zk.get("/large").data == large)
        await zk.close()
    }

    @Test("each refusal of the server is an error of its own that names the path")
    func refusals() async throws {
        let server = try LoopbackServer()
        defer { withExtendedLifetime(server) {} }
        let zk = try await session(server)
        _ = try await zk.create("/a")
        _ = try await zk.create("/e", mode: .ephemeral)
        #expect(await failure { try await zk.get("/none") } == .noNode("/none"))
        #expect(await failure { try await zk.children("/none") } == .noNode("/none"))
        #expect(await failure { try await zk.set("/none", data: Data()) } == .noNode("/none"))
        #expect(await failure { try await zk.delete("/none") } == .noNode("/none"))
        #expect(await failure { try await zk.create("/none/a") } == .noNode("/none/a"))
        #expect(await failure { try await zk.create("/a") } == .nodeExists("/a"))
        #expect(await failure { try await zk.set("/a", data: Data(), version: 7) } == .badVersion("/a"))
        #expect(await failure { try await zk.delete("/a", version: 7) } == .badVersion("/a"))
        #expect(await failure { try await zk.create("/e/a") } == .noChildrenForEphemerals("/e/a"))
        let nobody = AccessList([])
        #expect(await failure { try await zk.create("/n", access: nobody) } == .invalidACL("/n"))
        for path in ["", "a", "/a/", "//a", "/a/../b", "/a\0b"] {
            let refused = await failure { try await zk.get(path) }
            guard case .invalidArguments = refused else {
                Issue.record("\(path.debugDescription): \(String(describing: refused))")
                continue
            }
        }
        #expect(try await zk.get("/a").stat.version == 0)
        await zk.close()
    }

    @Test("sequential nodes are numbered and ephemeral ones carry their session")
    func modes() async throws {
        let server = try LoopbackServer()
        defer { withExtendedLifetime(server) {} }
        let zk = try await session(server)
        _ = try await zk.create("/q")
        #expect(try await zk.create("/q/n-", mode: .persistentSequential) == "/q/n-0000000000")
        #expect(try await zk.create("/q/n-", mode: .ephemeralSequential) == "/q/n-0000000001")
        _ = try await zk.create("/e", mode: .ephemeral)
        let owner = try await zk.exists("/e")?.ephemeralOwner
        #expect(owner != nil)
        #expect(owner == zk.sessionID)
        await zk.close()
    }

    @Test("a chroot is put before every path and taken off every answer")
    func chroot() async throws {
        let server = try LoopbackServer()
        defer { withExtendedLifetime(server) {} }
        let whole = try await session(server)
        _ = try await whole.create("/kafka")
        let inside = try await session(server, chroot: "/kafka")
        #expect(try await inside.create("/a", data: bytes("x")) == "/a")
        #expect(try await whole.get("/kafka/a").data == bytes("x"))
        let (_, watch) = try await inside.getWatching("/a")
        try await whole.set("/kafka/a", data: bytes("y"))
        #expect(try await watch.event() == WatchEvent(kind: .dataChanged, path: "/a"))
        #expect(try await inside.children("/").names == ["a"])
        await inside.close()
        await whole.close()
    }

    @Test("a node for its creator only opens to the same credentials and to nobody else")
    func digest() async throws {
        let server = try LoopbackServer()
        defer { withExtendedLifetime(server) {} }
        let owner = Credentials.digest(user: "kafka", password: "secret")
        let mine = try await session(server, [owner])
        _ = try await mine.create("/private", data: bytes("x"), access: .creatorAll)
        _ = try await mine.create("/seen", access: .readable)
        #expect(await failure { try await mine.set("/seen", data: Data()) } == .noAuth("/seen"))

        let other = try await session(server, [.digest(user: "kafka", password: "wrong")])
        #expect(await failure { try await other.get("/private") } == .noAuth("/private"))
        try await other.authenticate(owner)
        #expect(try await other.get("/private").data == bytes("x"))

        let bare = try await session(server)
        #expect(await failure { try await bare.get("/private") } == .noAuth("/private"))
        #expect(
            await failure { try await bare.create("/x", access: .creatorAll) } == .invalidACL("/x")
        )
        for zk in [mine, other, bare] { await zk.close() }
    }

    @Test("credentials of a scheme that the server does not know end the session by name")
    func unknownScheme() async throws {
        let server = try LoopbackServer()
        defer { withExtendedLifetime(server) {} }
        let zk = try await session(server)
        let refused = await failure {
            try await zk.authenticate(Credentials(scheme: "nonsense", secret: [1]))
        }
        #expect(refused == .authenticationFailed)
        await zk.close()
        #expect(await failure { try await zk.get("/") } == .authenticationFailed)
    }

    @Test("a secret is in no description")
    func secret() {
        let credentials = Credentials.digest(user: "kafka", password: "hush")
        var text = ""
        dump(credentials, to: &text)
        text += "\(credentials) \(String(reflecting: credentials)) \([credentials])"
        #expect(!text.contains("hush"))
        #expect(!text.contains("104, 117"))
    }

    @Test("TLS is refused by name, and the system's library indeed has none")
    func tls() async throws {
        var options = SessionOptions()
        options.transport = .tls
        let servers = try #require(ConnectString("127.0.0.1:2181"))
        #expect(
            await failure { try await ZooKeeperSession.connect(servers, options: options) } == .tlsUnavailable
        )
        // When this fails the refusal is out of date: the library can do it now.
        #expect(dlsym(nil, "zookeeper_init2") != nil)
        #expect(dlsym(nil, "zookeeper_init_ssl") == nil)
    }
}
