import Diagnostics
import FoundationEssentials
import Logs
import SystemCalls
import TestSupport
import Testing
import Topology
import ZooKeeperClient

@testable import Trees

/// Nodes that are read by everybody and administered by one: servers show others their digests as `user:x`.
@Suite(
    "old copies with nodes that others administer",
    .serialized,
    .enabled(if: ServerGroup.isInstalled, "ZooKeeper or Java is not installed"),
    .timeLimit(.minutes(10))
)
struct OthersNodesTests {
    private static let administrator = Credentials.digest(user: "admin", password: "secret")
    private static let readable = AccessList(AccessList.creatorAll.entries + AccessList.readable.entries)

    @Test("what a server may show of a list, and no other")
    func masks() {
        func list(_ identity: String, _ permissions: AccessList.Permissions = .all) -> AccessList {
            AccessList(
                [.init(scheme: "digest", identity: identity, permissions: permissions)]
                    + AccessList.readable.entries
            )
        }
        let whole = list("admin:lK75jTNcA+U9vtVEw5vB51mj/w4=")
        #expect(whole.isShown(as: whole) && whole.isShown(as: list("admin:x")))
        #expect(!whole.isShown(as: list("other:x")) && !whole.isShown(as: list("admin:x", .read)))
        #expect(!whole.isShown(as: .readable) && !list("admin:x").isShown(as: whole))
        #expect(list("admin:x").isMasked && !whole.isMasked && !AccessList.open.isMasked)
        let address = AccessList([.init(scheme: "ip", identity: "fd00::x:x", permissions: .all)])
        #expect(!address.isMasked && address.isShown(as: address))
    }

    @Test("a node whose digests are not shown is named, and nothing is removed")
    func masked() async throws {
        let group = try ServerGroup(1)
        defer { withExtendedLifetime(group) {} }
        let folder = try TemporaryFolder()
        let client = try await group.session(0, [Self.administrator])
        _ = try await client.create("/t")
        _ = try await client.create("/t/a", access: Self.readable)
        _ = try await client.create("/t/b")
        _ = try await client.create("/t/c", access: Self.readable)

        let poor = try tree(group, [])
        let file = try BackupFile(folder.path + "/backup.sqlite")
        try file.begin("source of run 17")
        let refused = TreesError.masked(paths: ["/t/a", "/t/c"], count: 2)
        await #expect(throws: refused) { try await retirement(poor, nil).backUp(to: file) { _ in } }
        #expect(try file.stage == .writing)
        // As a version that did not look for it has left the file.
        try file.enter(.complete)
        await #expect(throws: refused) { try await retirement(poor, nil).remove(file) { _ in } }
        #expect(try await client.children("/t").names.count == 3)
        await poor.close()

        let rich = try tree(group, [Self.administrator])
        try file.begin("source of run 17")
        try await retirement(rich, nil).backUp(to: file) { _ in }
        try await retirement(rich, nil).remove(file) { _ in }
        #expect(try await client.exists("/t") == nil)
        await rich.close()
        await client.close()
    }

    @Test("a node that could not be sealed keeps the copy from being removed, until it can be sealed")
    func unsealed() async throws {
        let group = try ServerGroup(1)
        defer { withExtendedLifetime(group) {} }
        let folder = try TemporaryFolder()
        let client = try await group.session(0, [Self.administrator])
        _ = try await client.create("/t")
        _ = try await client.create("/t/a", access: Self.readable)
        let bench = try await bench(group, folder)

        let poor = try tree(group, [bench.identity.credentials])
        _ = try await bench.sealing(poor).survey { _ in }
        #expect(try await bench.sealing(poor).perform { _ in } == 1)
        let why = "/t/a: no right to change its ACL"
        #expect(try bench.file.stage == .sealed && bench.file.listed(.refused) == [why])
        let backup = try BackupFile(folder.path + "/backup.sqlite")
        try backup.begin("source of run 17")
        let refused = TreesError.unsealed(paths: [why], count: 1, file: bench.file.path)
        await #expect(throws: refused) {
            try await retirement(poor, bench.file).backUp(to: backup) { _ in }
        }
        try backup.enter(.complete)
        await #expect(throws: refused) {
            try await retirement(poor, bench.file).remove(backup) { _ in }
        }
        #expect(try await client.exists("/t/a") != nil)
        await poor.close()

        let rich = try tree(group, [Self.administrator, bench.identity.credentials])
        _ = try await bench.sealing(rich).survey { _ in }
        #expect(try await bench.sealing(rich).perform { _ in } == 2)
        #expect(try bench.file.stage == .sealed && bench.file.listed(.refused).isEmpty)
        try backup.begin("source of run 17")
        try await retirement(rich, bench.file).backUp(to: backup) { _ in }
        try await retirement(rich, bench.file).remove(backup) { _ in }
        #expect(try await client.exists("/t") == nil)
        await rich.close()
        await client.close()
    }

    @Test("a seal is taken off without the administrator's credentials that it was put on with")
    func unsealing() async throws {
        let group = try ServerGroup(1)
        defer { withExtendedLifetime(group) {} }
        let folder = try TemporaryFolder()
        let client = try await group.session(0, [Self.administrator])
        _ = try await client.create("/t")
        _ = try await client.create("/t/a", access: Self.readable)
        let before = try await client.access("/t/a")
        let bench = try await bench(group, folder)
        let rich = try tree(group, [Self.administrator, bench.identity.credentials])
        _ = try await bench.sealing(rich).survey { _ in }
        #expect(try await bench.sealing(rich).perform { _ in } == 2)
        await rich.close()

        let poor = try tree(group, [bench.identity.credentials])
        try await bench.unsealing(poor).perform { _ in }
        #expect(try bench.file.listed(.changed).isEmpty)
        #expect(try bench.file.counts() == [.restored: 2])
        #expect(try await client.access("/t/a") == before)
        await poor.close()
        await client.close()
    }

    @Test("a seal that was stopped when there was no more than its note has acted")
    func noted() async throws {
        let group = try ServerGroup(1)
        defer { withExtendedLifetime(group) {} }
        let folder = try TemporaryFolder()
        let client = try await group.session(0, [Self.administrator])
        _ = try await client.create("/t")
        _ = try await client.create("/t/a")
        let bench = try await bench(group, folder)
        let session = try tree(group, [bench.identity.credentials])
        _ = try await bench.sealing(session).survey { _ in }
        #expect(try !bench.file.hasActed)
        // Somebody moves in, which stops it before any ACL is kept.
        try await client.delete("/t/a")
        _ = try await client.create("/t/a", mode: .ephemeral)
        await #expect(throws: TreesError.self) { try await bench.sealing(session).perform { _ in } }
        #expect(try await client.exists("/t/mitosis-moved") != nil)
        #expect(try bench.file.counts() == [.found: 2])
        #expect(try bench.file.hasActed)
        await session.close()
        await client.close()
    }

    @Test("a seal that a server which lagged behind did not show counts, and can be taken off")
    func lagged() async throws {
        let group = try ServerGroup(1)
        defer { withExtendedLifetime(group) {} }
        let folder = try TemporaryFolder()
        let client = try await group.session(0, [Self.administrator])
        _ = try await client.create("/t")
        _ = try await client.create("/t/a")
        let bench = try await bench(group, folder)
        let session = try tree(group, [bench.identity.credentials])
        _ = try await bench.sealing(session).survey { _ in }
        #expect(try await bench.sealing(session).perform { _ in } == 2)
        // As a look at such a server has decided.
        try bench.file.mark([("/t/a", .found, nil)])
        #expect(try await bench.sealing(session).perform { _ in } == 2)
        #expect(try bench.file.counts() == [.sealed: 2])
        try bench.file.mark([("/t/a", .found, nil)])
        try await bench.unsealing(session).perform { _ in }
        for path in ["/t", "/t/a"] { #expect(try await client.access(path) == .open) }
        #expect(try bench.file.counts() == [.restored: 2])
        await session.close()
        await client.close()
    }

    @Test("a restoration goes on below nodes that have their own ACLs by now, and leaves what is done")
    func restoring() async throws {
        let group = try ServerGroup(1)
        defer { withExtendedLifetime(group) {} }
        let folder = try TemporaryFolder()
        let client = try await group.session(0, [Self.administrator])
        _ = try await client.create("/t")
        _ = try await client.create("/t/closed", access: .creatorAll)
        _ = try await client.create("/t/closed/a")
        _ = try await client.create("/t/closed/often", access: Self.readable)
        for _ in 0..<103 { _ = try await client.set("/t/closed/often", data: Data("set".utf8)) }
        for _ in 0..<103 { try await client.setAccess("/t/closed", .creatorAll) }
        let rich = try tree(group, [Self.administrator])
        let file = try BackupFile(folder.path + "/backup.sqlite")
        try file.begin("source of run 17")
        try await retirement(rich, nil).backUp(to: file) { _ in }
        try await retirement(rich, nil).remove(file) { _ in }
        await rich.close()

        let identity = try SealIdentity(file: folder.path + "/restoring.auth")
        let target = try tree(group, [identity.credentials])
        let restoration = Restoration(file, over: target, at: "", place: "here", rate: 2000, timing: .system)
        let first = try await restoration.perform { _ in }
        #expect(first.short == ["/t/closed/often", "/t/closed"])
        // As a kill right before the last word leaves it.
        try file.setNote("here ", "begun")
        #expect(try restoration.isBegun)
        let second = try await restoration.perform { _ in }
        #expect(second.nodes == 4 && second.short == first.short)
        #expect(try await client.get("/t/closed/often").stat.version == 100)
        #expect(try await client.exists("/t/closed/a") != nil)
        await target.close()
        await client.close()
    }

    @Test("a seal waits for the disk seldom: it may be that of a server's log")
    func transactions() async throws {
        let group = try ServerGroup(1)
        defer { withExtendedLifetime(group) {} }
        let folder = try TemporaryFolder()
        let client = try await group.session()
        try await fill(client)
        let bench = try await bench(group, folder)
        let session = try tree(group, [bench.identity.credentials])
        let before = try transactions(bench.file.path)
        _ = try await bench.sealing(session, rate: 400).survey { _ in }
        #expect(try await bench.sealing(session, rate: 400).perform { _ in } == 463)
        // What a session and the notes need, the nodes found, and two for each half second's.
        let count = try transactions(bench.file.path) - before
        #expect(count <= 12, "\(count) transactions")
        await session.close()
        await client.close()
    }

    /// A database counts them in its head.
    private func transactions(_ path: String) throws -> Int {
        try Data(contentsOf: URL(filePath: path))[24..<28].reduce(0) { $0 << 8 | Int($1) }
    }

    @Test("what others use inside what moved keeps what is above it on the source alone")
    func others() {
        let except = ["/app", "/app/shared", "/apple", "/other"]
        #expect(RetireScope(.source, trees: ["/app"]).others(except) == ["/app", "/app/shared"])
        #expect(RetireScope(.destination, trees: ["/app"]).others(except).isEmpty)
    }

    private struct Bench {
        let identity: SealIdentity
        let digest: String
        let file: SealFile
        private let note = MovedNote(run: "17-plan", at: 0, destination: "z9:2181", plan: "plan.yaml")

        init(_ identity: SealIdentity, _ digest: String, _ file: SealFile) {
            self.identity = identity
            self.digest = digest
            self.file = file
        }

        func sealing(_ session: TreeSession, rate: Int = 2000) -> Sealing {
            Sealing(
                file,
                over: session,
                identity: digest,
                order: SealOrder(trees: ["/t"], kafka: nil),
                note: note,
                except: [],
                readRate: 2000,
                rate: rate,
                timing: .system
            )
        }

        func unsealing(_ session: TreeSession) -> Unsealing {
            Unsealing(file, over: session, identity: digest, note: note, rate: 2000, timing: .system)
        }
    }

    private func bench(_ group: ServerGroup, _ folder: TemporaryFolder) async throws -> Bench {
        let identity = try SealIdentity(file: folder.path + "/seal.auth")
        let server = try #require(try group.compared.first)
        let probe = try #require(ServerProbe(server.server, named: server.name, log: .silent))
        return Bench(
            identity,
            try await probe.digest(of: identity, credentials: []),
            try SealFile(folder.path + "/seal.sqlite", run: "17-plan", trees: ["/t"])
        )
    }

    private func retirement(_ session: TreeSession, _ seal: SealFile?) -> Retirement {
        Retirement(
            RetireScope(.source, trees: ["/t"]),
            over: session,
            seal: seal,
            readRate: 2000,
            rate: 2000,
            timing: .system
        )
    }

    private func tree(_ group: ServerGroup, _ credentials: [Credentials]) throws -> TreeSession {
        TreeSession(
            try #require(ConnectString("127.0.0.1:\(group.ports[0])")),
            credentials: credentials,
            timing: .system,
            log: .silent
        )
    }
}
