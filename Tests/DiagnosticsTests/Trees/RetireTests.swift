import Diagnostics
import FoundationEssentials
import GRDB
import Glibc
import Logs
import SystemCalls
import TestSupport
import Testing
import Topology
import ZooKeeperClient

@testable import Trees

@Suite(
    "old copies on real servers removed and restored",
    .serialized,
    .enabled(if: ServerGroup.isInstalled, "ZooKeeper or Java is not installed"),
    .timeLimit(.minutes(10))
)
struct RetireTests {
    private static let administrator = Credentials.digest(user: "admin", password: "secret")

    @Test(
        "what came along is backed up, removed but for the trees; what was written since stops it; stopped, it goes on"
    )
    func destination() async throws {
        let group = try ServerGroup(1)
        defer { withExtendedLifetime(group) {} }
        let folder = try TemporaryFolder()
        let client = try await group.session(0, [Self.administrator])
        try await fill(client)
        for path in ["/keep", "/keep/app", "/keep/app/a", "/keep/other", "/queue", "/empty"] {
            _ = try await client.create(path)
        }
        try await client.setAccess("/t/d3/n7", .creatorAll)
        try await client.setAccess("/t/d3/n7", .creatorAll)
        _ = try await client.create("/t/d3/n8/own", access: .creatorAll)
        for number in 0..<7 { _ = try await client.set("/t/d5", data: Data("set \(number)".utf8)) }
        for _ in 0..<5 {
            let made = try await client.create("/queue/job-", mode: .persistentSequential)
            if !made.hasSuffix("4") { try await client.delete(made) }
        }
        await client.close()

        let session = try tree(group)
        let retirement = Retirement(
            RetireScope(.destination, trees: ["/keep/app"]),
            over: session,
            seal: nil,
            readRate: 20_000,
            rate: 2000,
            timing: .system
        )
        let survey = try await retirement.survey()
        // The tree with the node below, /keep/other, the queue with its job, /empty.
        let count = 463 + 1 + 1 + 2 + 1
        #expect(survey.nodes == count && survey.unreadable.isEmpty)
        #expect(survey.parts["/keep"] == 1 && survey.parts["/queue"] == 2)

        let file = try BackupFile(folder.path + "/backup.sqlite")
        try file.begin("destination of run 17")
        try await retirement.backUp(to: file) { _ in }
        #expect(try file.stage == .complete && file.count() == count)
        // Somebody writes after the backup: nothing of that is removed.
        let other = try await group.session(0, [Self.administrator])
        _ = try await other.set("/t/d9/n9", data: Data("new".utf8))
        await #expect(throws: TreesError.changed(path: "/t/d9/n9", what: "since it was backed up")) {
            try await retirement.remove(file) { _ in }
        }
        #expect(try await other.exists("/t/d9/n9") != nil)
        try file.begin("destination of run 17")
        let rest = try await retirement.survey().nodes
        try await retirement.backUp(to: file) { _ in }
        let half = Task { try await retirement.remove(file) { _ in } }
        while try file.count(.removed) == 0 { try await Task.sleep(for: .milliseconds(2)) }
        half.cancel()
        _ = await half.result
        let open = try file.count(.kept)
        #expect(open > 0 && open < rest)
        try await retirement.remove(file) { _ in }
        #expect(try file.stage == .removed && file.count(.removed) == rest)
        #expect(try await other.children("/").names == ["keep", "zookeeper"])
        #expect(try await other.children("/keep").names == ["app"])
        #expect(try await other.exists("/keep/app/a") != nil)
        await other.close()
        await session.close()
    }

    @Test("a file that is somebody else's is refused as it is, and nothing is left beside it")
    func foreign() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/mine"
        try Data("mine".utf8).write(to: URL(filePath: path))
        #expect(throws: TreesError.self) { try BackupFile(path) }
        #expect(try Data(contentsOf: URL(filePath: path)) == Data("mine".utf8))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["mine"])
    }

    @Test("so is a database of somebody else's: its tables stay, and none of ours are added")
    func foreignDatabase() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/accounts.sqlite"
        try DatabaseQueue(path: path).write { try $0.execute(sql: "CREATE TABLE account (name TEXT)") }
        let before = try Data(contentsOf: URL(filePath: path))
        let refused = TreesError.otherFile(path: path, reason: "it holds something else")
        #expect(throws: refused) { try BackupFile(path) }
        #expect(throws: refused) { try SealFile(path, run: "17-plan", trees: ["/t"]) }
        // With a table of that name, but of another form, it is not ours either.
        let other = folder.path + "/other.sqlite"
        try DatabaseQueue(path: other).write { try $0.execute(sql: "CREATE TABLE meta (x TEXT)") }
        #expect(throws: TreesError.self) { try BackupFile(other) }
        #expect(try Data(contentsOf: URL(filePath: path)) == before)
    }

    @Test("a backup is put where nothing is, and found equal; a second time it is refused")
    func restored() async throws {
        let group = try ServerGroup(1)
        defer { withExtendedLifetime(group) {} }
        let folder = try TemporaryFolder()
        let client = try await group.session(0, [Self.administrator])
        try await fill(client)
        _ = try await client.create("/t/queue")
        try await client.setAccess("/t/d3/n7", .creatorAll)
        try await client.setAccess(
            "/t/d4",
            AccessList(AccessList.readable.entries + AccessList.creatorAll.entries)
        )
        for number in 0..<7 { _ = try await client.set("/t/d5", data: Data("set \(number)".utf8)) }
        for _ in 0..<12 {
            let made = try await client.create("/t/queue/job-", mode: .persistentSequential)
            if !made.hasSuffix("4") { try await client.delete(made) }
        }
        await client.close()
        let session = try tree(group)
        let retirement = Retirement(
            RetireScope(.source, trees: ["/t"]),
            over: session,
            seal: nil,
            readRate: 20_000,
            rate: 20_000,
            timing: .system
        )
        let file = try BackupFile(folder.path + "/backup.sqlite")
        try file.begin("source of run 17")
        try await retirement.backUp(to: file) { _ in }
        await session.close()
        #expect(try file.roots() == ["/t"])

        let empty = try ServerGroup(1)
        defer { withExtendedLifetime(empty) {} }
        let identity = try SealIdentity(file: folder.path + "/restoring.auth")
        await (try await empty.session()).close()
        let target = try tree(empty, [identity.credentials])
        let restoration = Restoration(
            file,
            over: target,
            at: "",
            place: "empty",
            rate: 1500,
            timing: .system
        )
        try await restoration.check()
        let half = Task { try await restoration.perform { _ in } }
        let watcher = try await empty.session()
        while try await watcher.exists("/t/d5/n3") == nil {
            try await Task.sleep(for: .milliseconds(2))
        }
        half.cancel()
        _ = await half.result
        try await restoration.check()
        let report = try await restoration.perform { _ in }
        #expect(report.nodes == 463 + 2 && report.shortCount == 0)
        await #expect(throws: TreesError.occupied(path: "/t")) { try await restoration.check() }
        await target.close()

        var options = TreeComparison.Options()
        options.rate = 20_000
        options.newer = .nothing
        options.ignored = NodeField.unrestorable
        options.credentials = [Self.administrator]
        let sides = ComparedSides(source: try group.compared, destination: try empty.compared)
        let report2 = await TreeComparison(
            sides,
            path: "/t",
            options: options,
            timing: .system,
            log: .silent
        )
        .report()
        #expect(report2.isEqual, "\(ComparisonText(report2).text)")
        let next = try await watcher.create("/t/queue/job-", mode: .persistentSequential)
        #expect(next == "/t/queue/job-0000000012")
        await watcher.close()
    }

    private func tree(_ group: ServerGroup, _ more: [Credentials] = []) throws -> TreeSession {
        TreeSession(
            try #require(ConnectString("127.0.0.1:\(group.ports[0])")),
            credentials: [Self.administrator] + more,
            timing: .system,
            log: .silent
        )
    }
}
