import ControlProtocol
import Fleet
import Testing
import Topology

@testable import Settings
@testable import ZooKeeperClient

@Suite(
    "canaries on a real server",
    .serialized,
    .enabled(if: LoopbackServer.isInstalled, "ZooKeeper or Java is not installed"),
    .timeLimit(.minutes(10))
)
struct CanaryCheckTests {
    @Test("when the answer is there, the canary is gone")
    func goneWithTheAnswer() async throws {
        let server = try LoopbackServer()
        defer { withExtendedLifetime(server) {} }
        let watcher = try await session(server)
        let planned = try Self.planned(port: server.port)
        for _ in 1...20 {
            let answer = await CanaryCheck(CanaryQuestion(name: "model", sides: [[planned]])).answer()
            let left = try await watcher.children("/").names
            guard case .seen(let sightings) = answer, let first = sightings.first else {
                Issue.record("\(answer)")
                return
            }
            #expect(first.missing.isEmpty && first.strays.isEmpty)
            #expect(left == ["zookeeper"])
        }
        await watcher.close()
    }

    @Test("a canary that was written is gone also when another side cannot be written to")
    func goneWithTheRefusal() async throws {
        let server = try LoopbackServer()
        defer { withExtendedLifetime(server) {} }
        let watcher = try await session(server)
        let sides = [
            [try Self.planned(port: server.port)], [try Self.planned(port: try LoopbackServer.freePort())],
        ]
        let answer = await CanaryCheck(CanaryQuestion(name: "model", sides: sides)).answer()
        let left = try await watcher.children("/").names
        guard case .silent(let reason) = answer else {
            Issue.record("\(answer)")
            return
        }
        #expect(reason.hasPrefix("a canary cannot be written: "))
        #expect(left == ["zookeeper"])
        await watcher.close()
    }

    @Test(
        "a root that is closed to strangers takes a canary with the credentials that it names, and says so without"
    )
    func credentials() async throws {
        let server = try LoopbackServer()
        defer { withExtendedLifetime(server) {} }
        let owner = Credentials.digest(user: "kafka", password: "secret")
        let watcher = try await session(server, [owner])
        try await watcher.setAccess("/", .creatorAll)
        let question = CanaryQuestion(name: "model", sides: [[try Self.planned(port: server.port)]])
        guard case .silent(let reason) = await CanaryCheck(question).answer() else {
            Issue.record("written without credentials")
            return
        }
        #expect(reason.contains("not allowed"))
        guard case .seen = await CanaryCheck(question, credentials: [owner]).answer() else {
            Issue.record("not written with credentials")
            return
        }
        #expect(try await watcher.children("/").names == ["zookeeper"])
        await watcher.close()
    }

    static func planned(port: Int) throws -> PlannedServer {
        let unused = try #require(Port(1))
        return PlannedServer(
            id: try #require(ServerID(1)),
            host: try #require(HostName("s1")),
            address: "127.0.0.1",
            allAddresses: [],
            agentAddress: "127.0.0.1",
            agentPort: unused,
            clientPort: try #require(Port(port)),
            quorumPort: unused,
            electionPort: unused,
            service: "zookeeper",
            configPath: "/zoo.cfg",
            line: 1
        )
    }
}
