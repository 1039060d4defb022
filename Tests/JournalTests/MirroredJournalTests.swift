import ControlProtocol
import Fleet
import FoundationEssentials
import Procedure
import Synchronization
import TestSupport
import Testing

@testable import Journal

@Suite("A journal that other machines keep too", .timeLimit(.minutes(10)))
struct MirroredJournalTests {
    private final class Said: Sendable {
        let lines = Mutex<[String]>([])
        func add(_ line: String) { lines.withLock { $0.append(line) } }
    }

    private let folder: TemporaryFolder
    private let hosts = (1...3).compactMap { HostName("h\($0)") }
    private let clock = ManualClock()
    private let said = Said()

    init() throws { folder = try TemporaryFolder() }

    private func record(_ id: String = "r1") throws -> RunRecord {
        RunRecord(
            id: try #require(RunID(id)),
            plan: "model",
            planDigest: "digest",
            startedAt: 5,
            survey: Survey(files: []),
            epoch: FencingEpoch(3)
        )
    }

    private func mirrored(
        _ journal: SQLiteJournal,
        _ keepers: Keepers,
        _ run: RunRecord,
        patience: Duration
    ) throws -> MirroredJournal {
        try journal.openChain(ChainBeginning(run, planText: "text", inventoryText: nil))
        let mirror = ChainMirror(
            hosts: hosts,
            agents: keepers,
            lease: Lease(runID: run.id, epoch: run.epoch),
            timing: clock.timing
        ) { host, remark in said.add("\(host) \(remark)") }
        let mirrored = try MirroredJournal(journal, mirror, of: run.id, patience: patience) { said.add($0) }
        mirror.start()
        return mirrored
    }

    private func open() throws -> SQLiteJournal {
        try SQLiteJournal(path: folder.path + "/journal.sqlite", exclusively: true)
    }

    @Test(
        "before the commands of a step that passes milestones, and after its verdict, a majority keeps all that was written, in order"
    )
    func order() async throws {
        let (journal, keepers, run) = (try open(), Keepers(), try record())
        try journal.begin(run)
        keepers.silence(hosts[2])
        let mirrored = try mirrored(journal, keepers, run, patience: .seconds(30))
        let commands = [HostCommand(hosts[0], .removeWall)]
        try await mirrored.intent("division.start", attempt: 1, commands: commands, at: 1, of: run.id)
        for host in hosts[..<2] { #expect(keepers.chain(host) == (try journal.chain(of: run.id))) }
        var facts = RunFacts()
        facts.waived = ["x"]
        try mirrored.remember(facts, of: run.id)
        try await mirrored.verdict("division.start", attempt: 1, .done(observed: "x"), at: 2, of: run.id)
        let chain = try journal.chain(of: run.id)
        #expect(chain.count == 6)
        for host in hosts[..<2] { #expect(keepers.chain(host) == chain) }
        #expect(keepers.chain(hosts[2]).isEmpty && said.lines.withLock(\.isEmpty))
        await mirrored.close(within: .zero)
    }

    @Test("a host that was away is sent what it lacks as soon as it answers again")
    func laggard() async throws {
        let (journal, keepers, run) = (try open(), Keepers(), try record())
        try journal.begin(run)
        keepers.silence(hosts[1])
        let mirrored = try mirrored(journal, keepers, run, patience: .seconds(30))
        for step in 1...5 {
            try await mirrored.intent(StepID("a.\(step)"), attempt: 1, commands: [], at: 1, of: run.id)
        }
        keepers.silence(nil)
        while keepers.chain(hosts[1]).count < (try journal.chain(of: run.id).count) {
            await clock.advance(by: .seconds(1), asSoonAs: 0)
            await Task.yield()
        }
        #expect(keepers.chain(hosts[1]) == (try journal.chain(of: run.id)))
        await mirrored.close()
    }

    @Test("without a majority the run goes on after a while, with one warning, and waits no more")
    func alone() async throws {
        let (journal, keepers, run) = (try open(), Keepers(), try record())
        try journal.begin(run)
        keepers.age(Set(hosts[1...]))
        let mirrored = try mirrored(journal, keepers, run, patience: .milliseconds(100))
        let commands = [HostCommand(hosts[0], .removeWall)]
        try await mirrored.intent("division.detach", attempt: 1, commands: commands, at: 1, of: run.id)
        try await mirrored.verdict("division.detach", attempt: 1, .done(observed: "x"), at: 2, of: run.id)
        await mirrored.close(within: .seconds(30))
        let said = said.lines.withLock { $0 }
        #expect(said.count { $0.contains("a majority") } == 1)
        #expect(said.count { $0.hasSuffix(" outdated") } == 2)
        #expect(keepers.chain(hosts[0]) == (try journal.chain(of: run.id)))
    }

    @Test("at the next start the hosts are sent what is missing, and what differs there is replaced and told")
    func again() async throws {
        let (journal, keepers, run) = (try open(), Keepers(), try record())
        try journal.begin(run)
        let first = try mirrored(journal, keepers, run, patience: .seconds(30))
        try await first.intent("a.b", attempt: 1, commands: [], at: 1, of: run.id)
        #expect(await first.isHeld(within: .seconds(30)))
        await first.close(within: .seconds(30))
        keepers.forge(hosts[1])
        let second = try mirrored(journal, keepers, run, patience: .seconds(30))
        try second.setEpoch(FencingEpoch(4), of: run.id)
        try second.end(run.id, .stopped, at: 9)
        await second.close(within: .seconds(30))
        let chain = try journal.chain(of: run.id)
        #expect(chain.count == 6)
        for host in hosts { #expect(keepers.chain(host) == chain) }
        #expect(said.lines.withLock { $0 }.map { $0.prefix(2) } == ["h2"])
    }

    @Test("a run without a chain gets one that says all of it; what is too large leaves a gap that says so")
    func opened() throws {
        let (journal, run) = (try open(), try record())
        try journal.begin(run)
        let content = Data("a secret of a file".utf8)
        let write = FileWrite(path: "/etc/zoo.cfg", expected: nil, content: content)
        let commands = [HostCommand(hosts[0], .writeFile(write: write))]
        try journal.intent("a.b", attempt: 1, commands: commands, at: 1, of: run.id)
        try journal.verdict("a.b", attempt: 1, .failed(reason: "no"), at: 2, of: run.id)
        #expect(try journal.chain(of: run.id).isEmpty)
        let beginning = ChainBeginning(run, planText: "text", inventoryText: nil)
        try journal.openChain(beginning)
        try journal.openChain(beginning)
        let chain = try journal.chain(of: run.id)
        #expect(chain.count == 5 && ChainLink.objection(to: chain, after: nil) == nil)
        let told = try ChainedRun(chain)
        #expect(told.entries.map(\.verdict) == (try journal.entries(of: run.id)).map(\.verdict))
        let secret = Data(content.base64EncodedString().utf8)
        #expect(chain.allSatisfy { $0.content.firstRange(of: secret) == nil })
        let long = String(repeating: "x", count: ChainLimit.entry)
        try journal.intent("a.c", attempt: 1, commands: [], at: 3, of: run.id)
        try journal.verdict("a.c", attempt: 1, .done(observed: long), at: 4, of: run.id)
        #expect(throws: ChainProblem.self) { try ChainedRun(journal.chain(of: run.id)) }
    }

    @Test("an entry that changed in the file is found when the journal is opened")
    func damaged() throws {
        let run = try record()
        do {
            let journal = try open()
            try journal.begin(run)
            try journal.openChain(ChainBeginning(run, planText: "the text of a plan", inventoryText: nil))
        }
        let path = folder.path + "/journal.sqlite"
        var bytes = try Data(contentsOf: URL(filePath: path))
        let place = try #require(bytes.firstRange(of: Data("the text of a plan".utf8)))
        bytes.replaceSubrange(place, with: Data("the next of a plan".utf8))
        try bytes.write(to: URL(filePath: path))
        #expect(throws: JournalError.self) { _ = try open() }
    }
}

/// Agents that keep chains as real ones do.
final class Keepers: ChainAgents {
    private struct State {
        var chains: [HostName: [ChainLink]] = [:]
        var silent: HostName?
        var old: Set<HostName> = []
    }

    private let state = Mutex(State())

    func silence(_ host: HostName?) { state.withLock { $0.silent = host } }
    func age(_ hosts: Set<HostName>) { state.withLock { $0.old = hosts } }
    func chain(_ host: HostName) -> [ChainLink] { state.withLock { $0.chains[host] ?? [] } }

    /// Another last entry than the coordinator's.
    func forge(_ host: HostName) {
        state.withLock { state in
            var chain = state.chains[host] ?? []
            chain.removeLast()
            chain.append(ChainLink(after: chain.last?.head, content: Data("forged".utf8)))
            state.chains[host] = chain
        }
    }

    func extend(_ request: ChainRequest, on host: HostName) async throws(FleetError) -> ChainState? {
        let answer = state.withLock { state -> Result<ChainState?, FleetError> in
            if state.silent == host { return .failure(.unreachable(host: host, reason: "silent")) }
            if state.old.contains(host) { return .success(nil) }
            var chain = state.chains[host] ?? []
            if request.replacing { chain = [] }
            for link in request.entries where link.follows(chain.last?.head) { chain.append(link) }
            state.chains[host] = chain
            return .success(
                ChainState(run: chain.isEmpty ? nil : request.lease.runID, head: chain.last?.head)
            )
        }
        return try answer.get()
    }

    func chain(_ request: ChainReadRequest, on host: HostName) async throws(FleetError) -> ChainPage? { nil }

    func original(of path: String, run: RunID, on host: HostName) async throws(FleetError) -> FileContent {
        throw .broken(host: host, reason: "reads no files")
    }
}
