import ControlProtocol
import FoundationEssentials
import Glibc
import Testing
import Topology

@testable import HostControl

@Suite(
    "Writes that a real server has logged",
    .enabled(if: RealZooKeeper.isExpected, "ZooKeeper or Java is not installed"),
    .serialized
)
struct RealWritesTests {
    /// Every kind of write that the client knows, with some that fail; says its session, and stays.
    private static let writer = """
        import sys, time
        from kazoo.client import KazooClient
        from kazoo.exceptions import KazooException
        from kazoo.security import OPEN_ACL_UNSAFE
        zk = KazooClient(sys.argv[1], timeout=10)
        zk.start(timeout=20)
        zk.ensure_path("/app")
        zk.create("/app/a", b"1")
        zk.create("/apple", b"1")
        zk.set("/app/a", b"2")
        zk.set_acls("/app/a", OPEN_ACL_UNSAFE)
        for fail in (lambda: zk.create("/app/a"), lambda: zk.set("/app/a", b"", version=99)):
            try: fail()
            except KazooException: pass
        for version in (-1, 99):
            t = zk.transaction()
            t.create("/app/m", b"")
            t.set_data("/app/a", b"3")
            t.check("/app", version)
            t.delete("/app/m")
            t.commit()
        zk.delete("/app/a")
        other = KazooClient(sys.argv[1], timeout=10)
        other.start(timeout=20)
        other.create("/app/e", ephemeral=True)
        other.stop()
        print("session 0x%x" % (zk.client_id[0] & 0xFFFFFFFFFFFFFFFF), flush=True)
        time.sleep(120)
        """

    @Test(
        "every write is told in its order, with the address of a session that is still there, and nothing else"
    )
    func all() async throws {
        let port = try RealZooKeeper.freePort()
        let server = try RealZooKeeper([
            "clientPort=\(port)", "clientPortAddress=127.0.0.1", "4lw.commands.whitelist=srvr,cons",
        ])
        defer { withExtendedLifetime(server) {} }
        let log = server.scratch("writer.log")
        let writer = try RealZooKeeper.spawn(
            ["/usr/bin/python3", "-c", Self.writer, "127.0.0.1:\(port)"],
            log: log
        )
        defer { RealData.end(writer) }
        var said = ""
        let hasWritten = try await eventually {
            said = String(decoding: try content(of: log), as: UTF8.self)
            return said.contains("session 0x") && said.hasSuffix("\n")
        }
        try #require(hasWritten, "\(said)")
        let line = try #require(said.split(separator: "\n").last { $0.hasPrefix("session ") })
        let session = try #require(SessionNumber(hexadecimal: line.dropFirst("session ".count)))
        let inspector = server.inspector()
        let found = await inspector.writes(WritesRequest(trees: ["/app"], after: Zxid(0)))
        #expect(found.obstacle == nil && found.gap == nil && found.unread == 0, "\(found)")
        #expect(
            found.writes.map { "\($0.kind.rawValue) \($0.path)" } == [
                "create /app", "create /app/a", "setData /app/a", "setACL /app/a", "create /app/m",
                "setData /app/a", "delete /app/m", "delete /app/a", "create /app/e",
            ]
        )
        let own = found.writes.filter { $0.session == session }
        #expect(own.count == 8 && own.allSatisfy { $0.address == IPAddress("127.0.0.1") })
        #expect(found.writes.last?.address == nil)
        #expect(found.expired <= 1)
        let again = await inspector.writes(
            WritesRequest(trees: ["/app"], after: try #require(found.last), place: found.place)
        )
        #expect(again == WritesReport(place: found.place))
        // A server that does not run has its log all the same.
        server.end()
        let still = await server.inspector(config: true).writes(
            WritesRequest(trees: ["/app"], after: Zxid(0))
        )
        #expect(still.writes.map(\.path) == found.writes.map(\.path))
    }
}
