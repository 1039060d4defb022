import Diagnostics
import FoundationEssentials
import Glibc
import Logs
import SystemCalls
import TestSupport
import Testing
import Topology
import ZooKeeperClient

@testable import Trees

@Suite(
    "trees of real servers sealed",
    .serialized,
    .enabled(if: ServerGroup.isInstalled, "ZooKeeper or Java is not installed"),
    .timeLimit(.minutes(10))
)
struct SealTests {
    private static let administrator = Credentials.digest(user: "admin", password: "secret")

    @Test("a seal that is stopped goes on; clients read and cannot write; unsealed, every ACL is as it was")
    func sealed() async throws {
        let group = try ServerGroup(1)
        defer { withExtendedLifetime(group) {} }
        let folder = try TemporaryFolder()
        let client = try await group.session(0, [Self.administrator])
        try await fill(client)
        // One that not everybody may read, one of others alone, and a neighbour of another tenant.
        try await client.setAccess("/t/d3/n7", .creatorAll)
        try await client.setAccess(
            "/t/d4/n1",
            AccessList([.init(scheme: "ip", identity: "10.9.8.7", permissions: .all)])
        )
        _ = try await client.create("/other")
        let before = try await lists(client, "/t")
        #expect(before.count == 463)

        let bench = try await bench(group, folder, rate: 400)
        #expect(try SealFile.sessions(in: bench.file.path).isEmpty)
        #expect(try await bench.sealing.survey { _ in } == before.count)
        let half = Task { try await bench.sealing.perform { _ in } }
        while try await !sealedPaths(client, bench).contains("/t/d1") {
            try await Task.sleep(for: .milliseconds(5))
        }
        half.cancel()
        await #expect(throws: TreesError.self) { try await half.value }
        #expect(try SealFile.sessions(in: bench.file.path).map(\.value) == ["seal"])
        let partly = try await sealedPaths(client, bench).count
        #expect(partly > 0 && partly < before.count)
        // As a kill between the file and the ensemble leaves it: saved, and not sealed.
        #expect(try bench.file.hasActed)

        _ = try await bench.sealing.survey { _ in }
        let count = try await bench.sealing.perform { _ in }
        // Without the one that others alone may administer.
        #expect(count == before.count - 1)
        #expect(try bench.file.listed(.refused) == ["/t/d4/n1: its ACL may not be read"])
        #expect(try bench.file.stage == .sealed)
        let anybody = try await group.session()
        #expect(try await anybody.get("/t/d3/n8").data == Data("data of 8".utf8))
        let note = String(decoding: try await anybody.get("/t/mitosis-moved").data, as: UTF8.self)
        #expect(note.contains("run: 17-plan") && note.contains("now at: z9:2181"))
        for session in [anybody, client] {
            await refused { () throws(ZooKeeperError) in _ = try await session.create("/t/new") }
            await refused { () throws(ZooKeeperError) in
                _ = try await session.create("/t/d3/new", mode: .ephemeral)
            }
            await refused { () throws(ZooKeeperError) in _ = try await session.set("/t/d3/n8", data: Data()) }
            await refused { () throws(ZooKeeperError) in try await session.delete("/t/d3/n8") }
            await refused { () throws(ZooKeeperError) in try await session.setAccess("/t/d3/n8", .open) }
        }
        // Its creator may read it, and nobody else since or before.
        #expect(try await client.get("/t/d3/n7").data == Data("data of 7".utf8))
        await refused { () throws(ZooKeeperError) in _ = try await anybody.get("/t/d3/n7") }
        _ = try await client.create("/other/new")

        try await bench.unsealing.perform { _ in }
        #expect(try await lists(client, "/t") == before)
        #expect(try bench.file.counts()[.restored] == before.count - 1)
        #expect(try bench.file.listed(.changed).isEmpty)
        _ = try await client.set("/t/d3/n8", data: Data())
        let aside = try bench.file.putAside(at: 5)
        #expect(access(aside, F_OK) == 0)
        await anybody.close()
        await client.close()
        await bench.session.close()
    }

    /// Found with a server that kept an answer back until two thirds of the session were over (ZOOKEEPER-4537).
    @Test("when an answer for one of many nodes was lost, all are asked for again; when it was refused, not")
    func lostAnswers() async throws {
        let group = try ServerGroup(1)
        defer { withExtendedLifetime(group) {} }
        let folder = try TemporaryFolder()
        let client = try await group.session(0, [Self.administrator])
        _ = try await client.create("/t")
        await client.close()
        let bench = try await bench(group, folder, rate: 1000)
        var (asked, lost) = (0, [ZooKeeperError.timeout("/t"), .connectionLoss])
        let lists = try await bench.session.performAll { session in
            asked += 1
            var lists = await session.access(all: ["/t", "/none"])
            if let error = lost.popLast() { lists[1] = .failure(error) }
            return lists
        }
        #expect(asked == 3)
        #expect(try lists.map { try $0.get() == nil } == [false, true])
        let refused = try await bench.session.performAll { _ in
            asked += 1
            return [Result<Void, ZooKeeperError>.failure(.noAuth("/t"))]
        }
        #expect(asked == 4 && refused.count == 1)
        await bench.session.close()
    }

    @Test(
        "an ACL that was changed since is left, and what was made since is told; an ephemeral node is a refusal"
    )
    func others() async throws {
        let group = try ServerGroup(1)
        defer { withExtendedLifetime(group) {} }
        let folder = try TemporaryFolder()
        let client = try await group.session()
        _ = try await client.create("/t")
        _ = try await client.create("/t/a")
        _ = try await client.create("/t/b")
        _ = try await client.create("/t/a/lock", mode: .ephemeral)
        let bench = try await bench(group, folder, rate: 1000)
        _ = try await client.create("/t/a/lock2", mode: .ephemeral)
        let owner = Inhabitant(session: try #require(client.sessionID), path: "/t/a/lock", count: 2)
        await #expect(throws: TreesError.inhabited(owners: [owner], nodes: 2)) {
            try await bench.sealing.survey { _ in }
        }
        #expect(try await bench.session.remaining([owner]) == [owner])
        try await client.delete("/t/a/lock")
        try await client.delete("/t/a/lock2")
        #expect(try await bench.session.remaining([owner]).isEmpty)
        // A lasting node in its place is nobody's.
        _ = try await client.create("/t/a/lock")
        #expect(try await bench.session.remaining([owner]).isEmpty)
        try await client.delete("/t/a/lock")
        _ = try await bench.sealing.survey { _ in }
        // Made between the look and the seal.
        _ = try await client.create("/t/late")
        #expect(try await bench.sealing.perform { _ in } == 4)
        #expect(try bench.file.counts()[.gone] == nil)

        let sealer = try await group.session(0, [bench.identity.credentials])
        try await sealer.setAccess("/t/b", .readable)
        try await sealer.delete("/t/late")
        try await bench.unsealing.perform { _ in }
        #expect(try bench.file.listed(.changed) == ["/t/b: somebody has changed its ACL since"])
        #expect(try bench.file.listed(.gone) == ["/t/late"])
        #expect(try await client.access("/t/b") == .readable)
        #expect(try await client.exists("/t/mitosis-moved") == nil)
        #expect(try await client.access("/t") == .open)
        await client.close()
        await sealer.close()
        await bench.session.close()
    }

    @Test("a server that goes by no ACL is refused, and so is a super user")
    func lawless() async throws {
        let lawless = try ServerGroup(1, settings: ["skipACL=yes"])
        defer { withExtendedLifetime(lawless) {} }
        let folder = try TemporaryFolder()
        let identity = try SealIdentity(file: folder.path + "/seal.auth")
        await (try await lawless.session()).close()
        let probe = try await probe(lawless)
        await #expect(throws: TreesError.skipsAccessLists(server: "z1")) {
            try await probe.digest(of: identity, credentials: [])
        }

        let digest = "lK75jTNcA+U9vtVEw5vB51mj/w4="
        let ruled = try ServerGroup(1, settings: ["DigestAuthenticationProvider.superDigest=super:\(digest)"])
        defer { withExtendedLifetime(ruled) {} }
        await (try await ruled.session()).close()
        let second = try await self.probe(ruled)
        let superUser = Credentials.digest(user: "super", password: "secret")
        await #expect(throws: TreesError.superUser(server: "z1")) {
            try await second.digest(of: identity, credentials: [superUser])
        }
        _ = try await second.digest(of: identity, credentials: [Self.administrator])
    }

    private struct Bench {
        let identity: SealIdentity
        let digest: String
        let file: SealFile
        let session: TreeSession
        let sealing: Sealing
        let unsealing: Unsealing
    }

    private func probe(_ group: ServerGroup) async throws -> ServerProbe {
        let server = try #require(try group.compared.first)
        return try #require(ServerProbe(server.server, named: server.name, log: .silent))
    }

    private func bench(_ group: ServerGroup, _ folder: TemporaryFolder, rate: Int) async throws -> Bench {
        let identity = try SealIdentity(file: folder.path + "/seal.auth")
        let digest = try await probe(group).digest(of: identity, credentials: [Self.administrator])
        let again = try SealIdentity(file: folder.path + "/seal.auth")
        #expect(try await probe(group).digest(of: again, credentials: []) == digest)
        let file = try SealFile(folder.path + "/seal.sqlite", run: "17-plan", trees: ["/t"])
        let session = TreeSession(
            try #require(ConnectString("127.0.0.1:\(group.ports[0])")),
            credentials: [Self.administrator, identity.credentials],
            timing: .system,
            log: .silent
        ) { id throws(TreesError) in try file.note(id, of: "seal") }
        let note = MovedNote(run: "17-plan", at: 0, destination: "z9:2181", plan: "plan.yaml")
        return Bench(
            identity: identity,
            digest: digest,
            file: file,
            session: session,
            sealing: Sealing(
                file,
                over: session,
                identity: digest,
                order: SealOrder(trees: ["/t"], kafka: nil),
                note: note,
                except: [],
                readRate: 20_000,
                rate: rate,
                timing: .system
            ),
            unsealing: Unsealing(
                file,
                over: session,
                identity: digest,
                note: note,
                rate: 20_000,
                timing: .system
            )
        )
    }

    private func sealedPaths(_ client: ZooKeeperSession, _ bench: Bench) async throws -> [String] {
        try await lists(client, "/t")
            .filter {
                SealedAccess(identity: bench.digest).isOn($0.value)
                    || $0.value.entries.contains { $0.identity == "mitosis-seal:x" }
            }
            .map(\.key)
    }

    /// Every list below a path; none for one that may not be read.
    private func lists(_ client: ZooKeeperSession, _ path: String) async throws -> [String: AccessList] {
        var (found, open) = ([String: AccessList](), [path])
        while !open.isEmpty {
            let children = await client.children(all: open)
            for (path, result) in zip(open, await client.access(all: open)) {
                switch result {
                case .success(let access?): found[path] = access.list
                case .success(nil): continue
                case .failure(.noAuth): found[path] = AccessList([])
                case .failure(let error): throw error
                }
            }
            open = zip(open, children).flatMap { path, result -> [String] in
                guard case .success(let children) = result else { return [] }
                return children.names.filter { $0 != MovedNote.name }.map { path + "/" + $0 }
            }
        }
        return found
    }

    private func refused(
        sourceLocation: SourceLocation = #_sourceLocation,
        _ body: () async throws(ZooKeeperError) -> Void
    ) async {
        do throws(ZooKeeperError) {
            try await body()
            Issue.record("it was allowed", sourceLocation: sourceLocation)
        } catch {
            guard case .noAuth = error else {
                Issue.record("\(error)", sourceLocation: sourceLocation)
                return
            }
        }
    }
}
