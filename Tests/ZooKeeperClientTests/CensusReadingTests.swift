import ControlProtocol
import Fleet
import Testing
import Topology

@testable import Settings
@testable import ZooKeeperClient

@Suite(
    "ephemeral nodes of trees on a real server",
    .serialized,
    .enabled(if: LoopbackServer.isInstalled, "ZooKeeper or Java is not installed"),
    .timeLimit(.minutes(10))
)
struct CensusReadingTests {
    private func answer(
        _ server: LoopbackServer,
        _ trees: [String],
        named: [String] = [],
        hosts: [String] = []
    ) async throws -> EnsembleCensus {
        let planned = try CanaryCheckTests.planned(port: server.port)
        return await CensusReading(
            CensusQuestion(servers: [planned], trees: trees, named: named, hosts: hosts, rate: 1_000_000)
        ).answer()
    }

    private func found(_ census: EnsembleCensus) throws -> TreeEphemerals {
        guard case .found(let found) = census.ephemerals else {
            Issue.record("\(census.ephemerals)")
            throw ZooKeeperError.closed
        }
        return found
    }

    @Test(
        "every owner is found with what it owns, and nothing beside the trees; what may not be read is counted"
    )
    func owners() async throws {
        let server = try LoopbackServer()
        defer { withExtendedLifetime(server) {} }
        let (one, other) = (try await session(server), try await session(server))
        for path in ["/app", "/app/a", "/app/a/b", "/apples", "/app/closed"] {
            _ = try await one.create(path)
        }
        for number in 1...4 { _ = try await one.create("/app/a/b/e\(number)", mode: .ephemeral) }
        _ = try await other.create("/app/leader", mode: .ephemeral)
        _ = try await other.create("/app/closed/hidden", mode: .ephemeral)
        _ = try await other.create("/apples/e", mode: .ephemeral)
        try await one.authenticate(.digest(user: "app", password: "secret"))
        try await one.setAccess("/app/closed", .creatorAll)
        try await one.setAccess("/app/leader", .creatorAll)

        let found = try found(try await answer(server, ["/app", "/none"], named: ["/app/leader"]))
        let owned = Dictionary(found.owners.map { ($0.session.description, $0) }) { first, _ in first }
        let oneID = try #require(one.sessionID)
        let mine = try #require(owned[oneID.description])
        #expect(mine.count == 4 && mine.paths == ["/app/a/b/e1", "/app/a/b/e2", "/app/a/b/e3"])
        let otherID = try #require(other.sessionID)
        let others = try #require(owned[otherID.description])
        #expect(others.count == 1 && others.paths == ["/app/leader"])
        #expect(found.owners.count == 2)
        #expect(found.named == ["/app/leader": others.session])
        #expect(found.missing == ["/none"] && found.isWhole)
        #expect(found.unreadable == 1 && found.unreadablePaths == ["/app/closed"])
        #expect(found.byTree == ["/app": [mine.session, others.session]])
        // One within another: nothing is read twice, and each has its own owners.
        let trees = ["/app/a", "/app", "/app/leader", "/app/closed", "/none"]
        let parts = try self.found(try await answer(server, trees))
        #expect(parts.byTree["/app"] == [mine.session, others.session])
        #expect(parts.byTree["/app/a"] == [mine.session])
        #expect(parts.byTree["/app/leader"] == [others.session] && parts.byTree["/app/closed"] == nil)
        #expect(parts.owners == found.owners && parts.missing == ["/none"] && parts.nodes == found.nodes)
        await one.close()
        await other.close()
    }

    @Test("more nodes than are asked about at once are all looked at")
    func many() async throws {
        let server = try LoopbackServer()
        defer { withExtendedLifetime(server) {} }
        let one = try await session(server)
        _ = try await one.create("/app")
        for number in 0..<1200 { _ = try await one.create("/app/n\(number)", mode: .ephemeral) }
        let found = try found(try await answer(server, ["/app"]))
        #expect(found.nodes == 1201 && found.owners.map(\.count) == [1200])
        await one.close()
    }

    @Test("this host's own addresses are known, and those of hosts that are named")
    func addresses() async throws {
        let server = try LoopbackServer()
        defer { withExtendedLifetime(server) {} }
        let loopback = try #require(IPAddress("127.0.0.1"))
        let literal = try #require(IPAddress("198.51.100.31"))
        let census = try await answer(
            server,
            [],
            hosts: ["198.51.100.31", "localhost", "no-such-host.invalid"]
        )
        #expect(census.own.contains(loopback))
        #expect(census.addresses["198.51.100.31"] == [literal])
        #expect(census.addresses["localhost"]?.contains(loopback) == true)
        #expect(census.addresses["no-such-host.invalid"] == [])
    }

    @Test("where no server answers nothing is said")
    func silent() async throws {
        let planned = try CanaryCheckTests.planned(port: try LoopbackServer.freePort())
        let question = CensusQuestion(servers: [planned], trees: ["/app"], rate: 1000)
        guard case .silent = await CensusReading(question).answer().ephemerals else {
            Issue.record("it was said")
            return
        }
    }
}
