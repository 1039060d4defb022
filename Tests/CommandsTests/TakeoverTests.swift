import ArgumentParser
import ControlProtocol
import Fleet
import FoundationEssentials
import Glibc
import Journal
import Procedure
import Settings
import Synchronization
import TestSupport
import Testing

@testable import Commands

@Suite("A takeover from another machine", .timeLimit(.minutes(10)))
struct TakeoverTests {
    private final class Said: Sendable {
        private let lines = Mutex<[String]>([])
        func add(_ line: String) { lines.withLock { $0.append(line) } }
        var text: String { lines.withLock { $0.joined(separator: "\n") } }
    }

    /// A run that its coordinator has left after the first steps of the division, as the hosts keep it.
    private struct Bench {
        let fixture: RunFixture
        let agents = ChainsDouble()
        let said = Said()
        let lost: SQLiteJournal
        let run: RunID
        let links: [ChainLink]

        init() async throws {
            fixture = try RunFixture()
            lost = try SQLiteJournal(path: fixture.folder.path + "/lost.sqlite", exclusively: true)
            try await fixture.journalRun("r1", upTo: "division.split", lost)
            run = try #require(RunID("r1"))
            let texts = try #require(PlanTexts(of: fixture.plan))
            let record = try #require(try lost.runs().first?.record)
            let beginning = ChainBeginning(record, planText: texts.plan, inventoryText: texts.inventory)
            try lost.openChain(beginning)
            links = try lost.chain(of: run)
            agents.keep(links, of: run, on: servers)
        }

        var servers: [HostName] { fixture.plan.servers.map(\.host) }

        func takeover(of plan: MigrationPlan? = nil) -> Takeover {
            let said = said
            return Takeover(
                plan: plan ?? fixture.plan,
                fleet: fixture.fleet,
                agents: agents,
                timing: fixture.clock.timing,
                tell: { text, _ in said.add(text) },
                stopRequest: { .none },
                patience: .seconds(30)
            )
        }

        func perform() async throws -> (run: ChainedRun, journal: SQLiteJournal) {
            let takeover = takeover()
            let (_, links) = try await takeover.believed(planTo: nil)
            return try await takeover.perform(into: { try fixture.openJournal() }, after: links)
        }
    }

    @Test(
        "all are fenced above the highest epoch, the journal says what the lost one said, and the chain that it was taken over"
    )
    func whole() async throws {
        let bench = try await Bench()
        let other = Lease(runID: bench.run, epoch: FencingEpoch(6))
        for host in bench.servers {
            try bench.fixture.fleet.change(host.description) {
                ($0.epoch, $0.lease, $0.expiresAt) = (6, other, 60_000)
            }
        }
        await bench.takeover().show(try ChainedRun(bench.links))
        #expect(bench.said.text.contains("run r1 of coordinator test holds the lease"), "\(bench.said.text)")
        let (run, journal) = try await bench.perform()
        #expect(run.history.standing == .dividing)
        let lease = Lease(runID: bench.run, epoch: FencingEpoch(7))
        for host in bench.servers {
            #expect(bench.fixture.fleet.calls.contains(.acquire(host, lease, takeOver: true)))
        }
        #expect(bench.fixture.fleet.leases.isEmpty)
        let before = try bench.lost.entries(of: bench.run)
        #expect(try journal.entries(of: bench.run) == before)
        #expect(try journal.runs().map(\.record.epoch) == [FencingEpoch(7)])
        for host in bench.servers { #expect(bench.agents.chain(host) == (try journal.chain(of: bench.run))) }
        #expect(bench.agents.chain(bench.servers[0]).count == bench.links.count + 1)
        await #expect(throws: FleetError.self) {
            _ = try await bench.fixture.fleet.acquire(
                LeaseRequest(lease: other, secondsToLive: 60),
                on: bench.servers[0]
            )
        }
    }

    @Test("hosts go on keeping a run whose plan file was changed since it began")
    func changedFile() async throws {
        let bench = try await Bench()
        _ = try bench.fixture.folder.write("version: 1\n", to: "plan.yaml")
        let record = try #require(try bench.lost.runs().first?.record)
        let said = bench.said
        let mirrored = try Mirroring(journal: bench.lost, agents: bench.agents).begin(
            record,
            of: bench.fixture.plan,
            under: Lease(runID: bench.run, epoch: FencingEpoch(7)),
            timing: bench.fixture.clock.timing
        ) { said.add($0) }
        #expect(mirrored != nil && said.text.isEmpty, "\(said.text)")
        await mirrored?.close()
    }

    @Test("the coordinator whose run was taken over is refused when it comes back with its journal")
    func oldJournal() async throws {
        let bench = try await Bench()
        _ = try await bench.perform()
        var conductor = bench.fixture.conductor(bench.lost)
        conductor.mirroring = Mirroring(journal: bench.lost, agents: bench.agents)
        let error = await #expect(throws: Complaint.self) { try await conductor.perform(.forward) }
        #expect(error?.description.contains("another coordinator has gone on with run r1") == true)
        #expect(try bench.lost.chain(of: bench.run) == bench.links)
    }

    @Test("a host that lies is named, and what the others say is believed")
    func liar() async throws {
        let bench = try await Bench()
        let last = bench.links.count - 1
        let lie = ChainEntry.ended(ending: .withdrawn, at: 3)
        var chain = Array(bench.links[..<last])
        chain.append(ChainLink(after: chain.last?.head, content: try lie.content))
        bench.agents.keep(chain, of: bench.run, on: [bench.servers[1]])
        let (run, journal) = try await bench.perform()
        #expect(run.ending == nil)
        #expect(
            bench.said.text.contains(
                "\(bench.servers[1]): DISAGREES from entry \(last) on: it says: the run ended"
            )
        )
        #expect(bench.agents.chain(bench.servers[1]) == (try journal.chain(of: bench.run)))
    }

    @Test("when an agent does not grant its lease, nothing is taken over and nothing is changed")
    func silent() async throws {
        let bench = try await Bench()
        let last = try #require(bench.servers.last)
        try bench.fixture.fleet.change(last.description) { $0.isSilent = true }
        let error = await #expect(throws: FleetError.self) { _ = try await bench.perform() }
        #expect(error?.host == last)
        #expect(bench.fixture.fleet.leases.isEmpty && !bench.agents.isChanged)
        #expect(!FileManager.default.fileExists(atPath: bench.fixture.plan.journalPath))
    }

    @Test("without a majority nothing is believed, and nobody is fenced")
    func minority() async throws {
        let bench = try await Bench()
        bench.agents.silence(Set(bench.servers.prefix(3)))
        await #expect(throws: Complaint.self) { _ = try await bench.perform() }
        #expect(bench.fixture.fleet.calls.isEmpty && bench.said.text.contains("nobody is there"))
    }

    @Test("what an agent carries out is waited for before the chains are read again")
    func busy() async throws {
        let bench = try await Bench()
        bench.agents.occupy(bench.servers[0], times: 3)
        let clock = bench.fixture.clock
        let ticking = Task {
            while !Task.isCancelled {
                await clock.advance(by: .milliseconds(250), asSoonAs: 0)
                await Task.yield()
            }
        }
        _ = try await bench.perform()
        ticking.cancel()
        await ticking.value
        #expect(bench.agents.looksLeft(bench.servers[0]) == 0)
        #expect(bench.said.text.contains("\(bench.servers[0]): waiting for detach-1"))
    }

    @Test("another plan is refused; the run's own is written for its owner alone, and over nothing")
    func anotherPlan() async throws {
        let bench = try await Bench()
        let text = try bench.fixture.planText
        let path = try bench.fixture.folder.write(text + "# changed\n", to: "other.yaml")
        let takeover = bench.takeover(of: try PlanReader.read(path: path))
        let file = bench.fixture.folder.path + "/believed.yaml"
        await #expect(throws: Complaint.self) { _ = try await takeover.believed(planTo: nil) }
        await #expect(throws: Complaint.self) { _ = try await takeover.believed(planTo: file) }
        #expect(String(decoding: try Data(contentsOf: URL(filePath: file)), as: UTF8.self) == text)
        var found = stat()
        #expect(stat(file, &found) == 0 && found.st_mode & 0o777 == 0o600)
        try Data("mine".utf8).write(to: URL(filePath: file))
        await #expect(throws: Complaint.self) { _ = try await takeover.believed(planTo: file) }
        #expect(try Data(contentsOf: URL(filePath: file)) == Data("mine".utf8))
    }

    @Test("a journal that has the run already is not written to, nor one with another run of the plan")
    func known() async throws {
        let bench = try await Bench()
        let plan = bench.fixture.plan
        let error = #expect(throws: Complaint.self) {
            try Takeover.refuseKnown(bench.run, in: bench.lost, of: plan)
        }
        #expect(error?.description.contains("mitosis run --take-over") == true)
        let other = try #require(RunID("r2"))
        #expect(throws: Complaint.self) { try Takeover.refuseKnown(other, in: bench.lost, of: plan) }
        try Takeover.refuseKnown(bench.run, in: bench.fixture.openJournal(), of: plan)
        var links = bench.links
        let ended = try ChainEntry.ended(ending: .finished, at: 3).content
        links.append(ChainLink(after: links.last?.head, content: ended))
        #expect(throws: Complaint.self) { try Takeover.refuseEnded(ChainedRun(links)) }
    }

    @Test(
        "a file's content comes from its own host only: as it is if nobody changed it, else as its agent kept it"
    )
    func originals() async throws {
        let bench = try await Bench()
        let host = bench.servers[0]
        let content = Data("tickTime=2000".utf8)
        let digest = ContentDigest.sha256(content)
        let file = Survey.File(host: host, path: "/etc/zoo.cfg", digest: digest, content: Data())
        let survey = Survey(files: [file])
        let files = OriginalFiles(run: bench.run, fleet: bench.fixture.fleet, agents: bench.agents)
        await #expect(throws: Complaint.self) { _ = try await files.complete(survey) }
        func kept(_ content: Data) -> FileContent {
            let state = FileState(
                path: file.path,
                digest: digest,
                size: nil,
                mode: nil,
                owner: nil,
                group: nil,
                symlinkTarget: nil,
                changedAt: nil
            )
            return FileContent(state: state, content: content)
        }
        bench.fixture.fleet.hold(kept(Data("joint".utf8)))
        bench.agents.keep(kept(Data("forged".utf8)))
        await #expect(throws: Complaint.self) { _ = try await files.complete(survey) }
        bench.agents.keep(kept(content))
        #expect(try await files.complete(survey).files.map(\.content) == [content])
        bench.fixture.fleet.hold(kept(content))
        bench.agents.keep(kept(Data("forged".utf8)))
        #expect(try await files.complete(survey).files.map(\.content) == [content])
    }
}
