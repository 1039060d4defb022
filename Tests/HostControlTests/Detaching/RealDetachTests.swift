import ControlProtocol
import LabKit
import Synchronization
import SystemCalls
import Testing
import Topology

@testable import HostControl

/// Servers, disks, kernel and service manager as they are.
@Suite(
    "Detaching a real server",
    .enabled(
        if: EnsembleBench.isExpected,
        "needs root, iproute2, nft and both kinds of iptables, ZooKeeper and Java"
    ),
    .serialized
)
struct RealDetachTests {
    private let run: RunID

    init() throws { run = try #require(RunID("run-1")) }

    @Test("a follower with a slow disk under load: nothing that a client was told of is missing")
    func slowDisk() async throws {
        try await EnsembleBench.run { ensemble in
            let pid = try ensemble.pid
            let writer = try ensemble.startWriting()
            defer { RealData.end(writer) }
            try await expectGivenBack(ensemble)

            try ensemble.disk.delay(milliseconds: 150)
            try await requireLag(ensemble)
            let said = Mutex<[String]>([])
            let request = try ensemble.request()
            let report = try await ensemble.withDetacher { detacher in
                try await detacher.perform(request, for: run) { line in said.withLock { $0.append(line) } }
            }
            let told = try ensemble.told()
            let last = try #require(told.max())
            guard case .held(let memory) = report.proof else {
                Issue.record("\(report.proof)")
                return
            }
            #expect(said.withLock { $0.count } == 1, "its disk must have been behind")
            #expect(!ProcessIdentity.isAlive(pid) && report.pid == pid)
            #expect(try await ensemble.state == .stopped)
            #expect(last <= memory && memory <= report.data.lastZxid ?? Zxid(0))
            #expect(report.data.missing.isEmpty && report.data.lastZxid == ensemble.data().lastZxid)
            let presence = try ensemble.presence(of: told)
            #expect(told.allSatisfy { presence[$0] == .logged || presence[$0] == .snapshot })
            try await expectWalled(ensemble, report)
            try await expectDataGoes(ensemble, request, report)
        }
    }

    @Test("a follower that has lost its leader, and has nothing left to write")
    func lostLeader() async throws {
        try await EnsembleBench.run { ensemble in
            let pid = try ensemble.pid
            let writer = try ensemble.startWriting()
            defer { RealData.end(writer) }
            #expect(try await eventually { try ensemble.told().count > 50 })
            RealData.end(writer)
            let told = try ensemble.told()
            let last = try #require(told.max())
            #expect(await eventually { ensemble.data().lastZxid ?? Zxid(0) >= last })
            // What the writer was never told of is under way still; a follower that cannot tell a leader that is gone of it
            // ends the thread that writes its log.
            #expect(await eventually { await LogWriter.state(of: pid) == .parked })
            try ensemble.endPeers()
            #expect(try await eventually { try ensemble.serving() == .looking })

            let request = try ensemble.request()
            let report = try await ensemble.withDetacher { try await $0.perform(request, for: run) { _ in } }
            #expect(report.proof == .idle && report.pid == pid, "\(report.proof)")
            #expect(!ProcessIdentity.isAlive(pid))
            let presence = try ensemble.presence(of: told)
            #expect(told.allSatisfy { presence[$0] == .logged || presence[$0] == .snapshot })
            try await expectWalled(ensemble, report)
        }
    }

    /// With a disk that stands still it is left as it was: it serves the same clients, and nothing of ours is there.
    private func expectGivenBack(_ ensemble: EnsembleBench) async throws {
        try ensemble.disk.delay(milliseconds: 60_000)
        try await requireLag(ensemble)
        let (pid, request) = (try ensemble.pid, try ensemble.request(seconds: 1))
        let error = await #expect(throws: DetachError.self) {
            try await ensemble.withDetacher { try await $0.perform(request, for: run) { _ in } }
        }
        guard case .undrained(_, let memory, _, 1, _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(ProcessIdentity.isAlive(pid))
        #expect(try ensemble.pid == pid)
        let rules = try await ensemble.bench.firewall(.nftables).installed()
        #expect(rules.count == 0 && rules.wall == nil && rules.closed == nil)
        let goesOn = try await eventually { try ensemble.told().contains { $0 > memory } }
        #expect(goesOn, "its clients must be served again")
    }

    /// Clients have been told of what the disk does not have yet.
    private func requireLag(_ ensemble: EnsembleBench) async throws {
        let lags = try await eventually {
            let end = ensemble.data().lastZxid ?? Zxid(0)
            return try ensemble.told().count { $0 > end } > 10
        }
        try #require(lags)
    }

    private func expectWalled(_ ensemble: EnsembleBench, _ report: DetachReport) async throws {
        let rules = try await ensemble.bench.firewall(.nftables).installed()
        #expect(rules.wall == EnsembleBench.wall && rules.closed == nil)
        #expect(report.rules.uncounted == rules.uncounted)
        let listing = try await ensemble.bench.onWalled("nft", ["list", "ruleset"])
        #expect(!listing.contains("2181"), "\(listing)")
    }

    /// The copy, the command given again, and what becomes of the data afterwards.
    private func expectDataGoes(
        _ ensemble: EnsembleBench,
        _ request: DetachRequest,
        _ report: DetachReport
    ) async throws {
        let copy = try #require(report.copy)
        #expect(ensemble.exists(copy + "/version-2"))
        let again = try await ensemble.withDetacher { try await $0.perform(request, for: run) { _ in } }
        #expect(again.proof == report.proof && again.pid == report.pid && again.copy == copy)

        let discarded = try await ensemble.withDetacher { try await $0.discardCopy(of: run) }
        #expect(discarded.path == nil && !ensemble.exists(copy))
        let end = try #require(ensemble.data().lastZxid)
        #expect(end == report.data.lastZxid)
        let aside = try await ensemble.withDetacher { try await $0.setAside(request.service, for: run) }
        let place = try #require(aside.path)
        #expect(ensemble.exists(place) && ensemble.data().isEmpty)
        let unknown = try await ensemble.withDetacher { try await $0.perform(request, for: run) { _ in } }
        #expect(unknown.proof == .unknown(reason: "it was found stopped") && unknown.copy == nil)
    }
}
