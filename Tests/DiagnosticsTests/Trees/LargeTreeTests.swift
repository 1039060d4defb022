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

/// How many nodes are asked for.
private enum ManyNodes {
    static let count = getenv("MITOSIS_NODES").flatMap { Int(String(cString: $0)) }
}

/// Old copies of many nodes beside another tenant that writes all the time: MITOSIS_NODES=50000.
@Suite(
    "old copies of many nodes",
    .serialized,
    .enabled(if: ManyNodes.count != nil, "MITOSIS_NODES names no number of nodes"),
    .timeLimit(.minutes(30))
)
struct LargeTreeTests {
    /// Milliseconds of a tenant's writes, one after another.
    private actor Tenant {
        private let session: ZooKeeperSession
        private var times: [Double] = []

        init(_ session: ZooKeeperSession) { self.session = session }

        func write() async throws {
            while !Task.isCancelled {
                let began = ContinuousClock.now
                _ = try await session.set("/tenant", data: Data("written".utf8))
                times.append(began.duration(to: .now).seconds * 1000)
                do { try await Task.sleep(for: .milliseconds(5)) } catch { return }
            }
        }

        /// Since the last time that this was asked.
        func told() -> String {
            defer { times = [] }
            let sorted = times.sorted()
            guard let most = sorted.last else { return "no writes" }
            func at(_ part: Double) -> Double { sorted[Int(Double(sorted.count - 1) * part)] }
            let numbers = [at(0.5), at(0.99), most].map { "\(($0 * 10).rounded() / 10)" }
            return
                "\(sorted.count) writes of a tenant: median, 99%, most: \(numbers.joined(separator: ", ")) ms"
        }
    }

    @Test("sealed and removed after a stop in the middle, restored into an empty ensemble, and found equal")
    func many() async throws {
        let count = try #require(ManyNodes.count)
        let (group, original) = (try ServerGroup(3), try ServerGroup(1))
        defer { withExtendedLifetime((group, original)) {} }
        let folder = try TemporaryFolder()
        let client = try await group.session()
        let other = try await original.session()
        try await fill(client, count)
        try await fill(other, count)
        await other.close()
        _ = try await client.create("/tenant")
        let tenant = Tenant(try await group.session(1))
        let writing = Task { try await tenant.write() }
        try await Task.sleep(for: .seconds(10))
        print("before: \(await tenant.told())")

        let identity = try SealIdentity(file: folder.path + "/seal.auth")
        let server = try #require(try group.compared.first)
        let probe = try #require(ServerProbe(server.server, named: server.name, log: .silent))
        let digest = try await probe.digest(of: identity, credentials: [])
        let file = try SealFile(folder.path + "/seal.sqlite", run: "17-plan", trees: ["/t"])
        let session = try tree(group, identity)
        let sealing = Sealing(
            file,
            over: session,
            identity: digest,
            order: SealOrder(trees: ["/t"], kafka: nil),
            note: MovedNote(run: "17-plan", at: 0, destination: "z9:2181", plan: "plan.yaml"),
            except: [],
            readRate: 5000,
            rate: 1000,
            timing: .system
        )
        let all = try await sealing.survey { _ in }
        _ = await tenant.told()
        let half = Task { try await sealing.perform { _ in } }
        while try file.counts()[.sealed] ?? 0 < all / 4 { try await Task.sleep(for: .milliseconds(100)) }
        half.cancel()
        _ = await half.result
        #expect(try await sealing.perform { _ in } == all)
        print("\(all) nodes sealed: \(await tenant.told())")

        let retirement = Retirement(
            RetireScope(.source, trees: ["/t"]),
            over: session,
            seal: file,
            readRate: 5000,
            rate: 1000,
            timing: .system
        )
        let backup = try BackupFile(folder.path + "/backup.sqlite")
        try backup.begin("source of run 17")
        try await retirement.backUp(to: backup) { _ in }
        print("backed up: \(await tenant.told())")
        let removing = Task { try await retirement.remove(backup) { _ in } }
        while try backup.count(.removed) < all / 4 { try await Task.sleep(for: .milliseconds(100)) }
        removing.cancel()
        _ = await removing.result
        try await retirement.remove(backup) { _ in }
        print("removed: \(await tenant.told())")
        #expect(try backup.count(.removed) == all)
        #expect(try await client.exists("/t") == nil)
        writing.cancel()
        _ = await writing.result

        // What was filled alike is what it was.
        let empty = try ServerGroup(1)
        defer { withExtendedLifetime(empty) {} }
        await (try await empty.session()).close()
        let target = try tree(empty, identity)
        let restoration = Restoration(
            backup,
            over: target,
            at: "",
            place: "empty",
            rate: 5000,
            timing: .system
        )
        try await restoration.check()
        #expect(try await restoration.perform { _ in }.shortCount == 0)
        await target.close()
        let report = try await compared(original, empty)
        print("restored: \(ComparisonText(report).text)")
        #expect(report.isEqual && report.nodes == all)
        await client.close()
        await session.close()
    }

    private func fill(_ session: ZooKeeperSession, _ count: Int) async throws {
        _ = try await session.create("/t")
        for directory in 0..<(count / 1000) {
            _ = try await session.create("/t/d\(directory)")
            let writes = (0..<999).map { number in
                NodeWrite.create(
                    "/t/d\(directory)/n\(number)",
                    data: Data(repeating: 120, count: 100),
                    mode: .persistent,
                    access: .open
                )
            }
            for result in await session.perform(all: writes) { try result.get() }
        }
    }

    private func compared(_ group: ServerGroup, _ other: ServerGroup) async throws -> ComparisonReport {
        var options = TreeComparison.Options()
        options.rate = 5000
        options.newer = .nothing
        options.ignored = NodeField.unrestorable
        let sides = ComparedSides(source: try group.compared, destination: try other.compared)
        return await TreeComparison(sides, path: "/t", options: options, timing: .system, log: .silent)
            .report()
    }

    private func tree(_ group: ServerGroup, _ identity: SealIdentity) throws -> TreeSession {
        TreeSession(
            try #require(ConnectString("127.0.0.1:\(group.ports[0])")),
            credentials: [identity.credentials],
            timing: .system,
            log: .silent
        )
    }
}
