import ControlProtocol
import FoundationEssentials
import Glibc
import Testing
import Topology

@testable import HostControl

@Suite(
    "What killed servers leave",
    .enabled(if: RealZooKeeper.isExpected, "ZooKeeper or Java is not installed"),
    .serialized
)
struct KilledServerTests {
    @Test("a server killed in the middle of writing, again and again, starts where the reader says")
    func again() async throws {
        let scratch = try Scratch()
        try scratch.directory("data")
        try scratch.directory("log")
        let data = RealData(scratch: scratch)
        let loopback = try #require(IPAddress("127.0.0.1"))
        var last: Zxid?
        for round in 0..<10 {
            let port = try RealZooKeeper.freePort()
            let server = try RealZooKeeper(
                ["clientPort=\(port)", "clientPortAddress=127.0.0.1"],
                javaOptions: RealData.snapCount,
                in: scratch
            )
            defer { withExtendedLifetime(server) {} }
            var first: Zxid?
            let serves = await eventually {
                if case .yes(let stats) = ServingReader.ask(loopback, port) { first = stats.zxid }
                return first != nil
            }
            try #require(serves, "round \(round)")
            #expect(last == nil || first == last, "round \(round)")
            let writer = try RealData.startWriting(to: [port])
            let writes = await eventually { data.read().lastZxid != first }
            try #require(writes, "round \(round)")
            usleep(UInt32.random(in: 0...700_000))
            server.end()
            RealData.end(writer)
            let found = data.read()
            guard found.problems.isEmpty else {
                try await expectRefusal(data, found.problems, "round \(round)")
                last = nil
                continue
            }
            #expect(found.missing == [], "round \(round)")
            last = found.lastZxid
        }
    }

    /// Where the reader names a problem, ZooKeeper itself must not start; the data is emptied, as an operator would.
    ///
    /// A server that is killed between the making of a log and its first record, say, leaves such data.
    private func expectRefusal(_ data: RealData, _ problems: [String], _ place: String) async throws {
        #expect(try await data.copy().load() == .refuses, "\(place): \(problems)")
        for folder in [data.dataDir, data.logDir] {
            try FileManager.default.removeItem(atPath: folder + "/version-2")
        }
    }

    /// With a quick disk nothing is missing; should a server have lost what it was told, another one has it.
    private func isLost(_ range: ZxidRange, by victim: Int, _ servers: [RealZooKeeper]) throws -> Bool {
        try servers.enumerated().contains { index, server in
            let logs = try RealData(scratch: server.scratch).files(.log)
            return try index != victim
                && logs.contains { file in
                    try ZxidSet(TransactionLog.scan(file.path).runs).contains(range.first)
                }
        }
    }

    @Test("members whose leaders come and go hold every transaction after their snapshots")
    func leaderChanges() async throws {
        let ports = try (0..<9).map { _ in try RealZooKeeper.freePort() }
        let members = (0..<3).map { "server.\($0 + 1)=127.0.0.1:\(ports[$0 + 3]):\(ports[$0 + 6])" }
        func start(_ index: Int, _ scratch: Scratch?) throws -> RealZooKeeper {
            try RealZooKeeper(
                members + ["clientPort=\(ports[index])", "clientPortAddress=127.0.0.1"],
                myid: index + 1,
                javaOptions: ["-Dzookeeper.snapCount=700"],
                in: scratch
            )
        }
        let loopback = try #require(IPAddress("127.0.0.1"))
        func roles() -> [ServerStats.Role?] {
            (0..<3).map { index in
                guard case .yes(let stats) = ServingReader.ask(loopback, ports[index]) else { return nil }
                return stats.role
            }
        }
        var servers = try (0..<3).map { try start($0, nil) }
        let writer = try RealData.startWriting(to: Array(ports[..<3]))
        defer { RealData.end(writer) }
        var emptiedLast = 0
        for round in 0..<6 {
            let isWhole = await eventually { !roles().contains(nil) }
            try #require(isWhole, "round \(round)")
            usleep(UInt32.random(in: 800_000...2_000_000))
            let leader = roles().firstIndex(of: .leader) ?? 0
            // Every third time one that follows.
            let victims = round == 5 ? [0, 1, 2] : [round % 3 == 2 ? (leader + 1) % 3 : leader]
            for victim in victims { servers[victim].end() }
            for victim in victims {
                let data = RealData(scratch: servers[victim].scratch)
                let found = data.read()
                guard found.problems.isEmpty else {
                    try await expectRefusal(data, found.problems, "round \(round), member \(victim + 1)")
                    if round == 5 { emptiedLast += 1 }
                    if round < 5 { servers[victim] = try start(victim, data.scratch) }
                    continue
                }
                for range in found.missing {
                    #expect(try isLost(range, by: victim, servers), "round \(round): \(range) is not missing")
                }
                #expect(found.epochEnds.map(\.epoch) == found.epochEnds.map(\.epoch).sorted())
                if round < 5 { servers[victim] = try start(victim, servers[victim].scratch) }
            }
        }
        let ends = servers.compactMap { RealData(scratch: $0.scratch).read().lastZxid }
        #expect(ends.count == 3 - emptiedLast && ends.allSatisfy { $0.epoch > 3 })
    }
}
