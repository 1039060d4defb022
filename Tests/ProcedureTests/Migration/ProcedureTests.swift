import ControlProtocol
import Fleet
import FoundationEssentials
import Procedure
import Settings
import Synchronization
import Testing
import Topology

@Suite("participants procedure")
struct ProcedureTests {
    /// Plans of every supported kind of size.
    static let sizes = [(3, 3), (5, 3), (5, 5), (3, 5)]

    @Test("a run ends with two ensembles, each in its own view, and no rule left", arguments: sizes)
    func wholeRun(source: Int, destination: Int) async throws {
        let plan = try Fixture.plan(source: source, destination: destination)
        let fleet = ModelFleet(plan: plan)
        let outcome = try await Fixture.run(plan, fleet, MemoryJournal())
        let isFinished = outcome.isFinished
        #expect(isFinished, "\(outcome)")
        Self.expectDivided(fleet, plan)
        Self.expectSeedStarts(fleet, plan)
        for server in plan.companions + plan.dormant { #expect(Self.starts(server, fleet) == 1) }
        for server in plan.source { #expect(Self.starts(server, fleet) == 3) }
    }

    @Test("every reply lost once: nothing is done twice, the end is the same")
    func lostReplies() async throws {
        let plan = try Fixture.plan(source: 3, destination: 3)
        let faults = Dictionary(
            uniqueKeysWithValues: stride(from: 1, to: 80, by: 2).map { ($0, ModelFleet.Fault.replyLost) }
        )
        let fleet = ModelFleet(plan: plan, faults: faults)
        let outcome = try await Fixture.run(plan, fleet, MemoryJournal())
        let isFinished = outcome.isFinished
        #expect(isFinished, "\(outcome)")
        Self.expectDivided(fleet, plan)
        for server in plan.source { #expect(Self.starts(server, fleet) == 3) }
        Self.expectSeedStarts(fleet, plan)
    }

    @Test("an agent that is out of reach for a moment does not end the run")
    func brieflyUnreachable() async throws {
        let plan = try Fixture.plan(source: 3, destination: 3)
        let faults = Dictionary(
            uniqueKeysWithValues: stride(from: 1, to: 80, by: 3).map { ($0, ModelFleet.Fault.unreachable) }
        )
        let fleet = ModelFleet(plan: plan, faults: faults)
        #expect(try await Fixture.run(plan, fleet, MemoryJournal()).isFinished)
        Self.expectDivided(fleet, plan)
    }

    @Test("a coordinator that dies at any write of its journal is continued to the same end")
    func diesAnywhere() async throws {
        let plan = try Fixture.plan(source: 3, destination: 3)
        let probe = MemoryJournal()
        _ = try await Fixture.run(plan, ModelFleet(plan: plan), probe)
        #expect(probe.writes > 40)
        for write in 2...probe.writes {
            let fleet = ModelFleet(plan: plan)
            let journal = MemoryJournal()
            journal.fail(at: write)
            await #expect(throws: JournalError.self) { try await Fixture.run(plan, fleet, journal) }
            journal.fail(at: nil)
            let outcome = try await Fixture.resume(plan, fleet, journal)
            let isFinished = outcome.isFinished
            #expect(isFinished, "died at write \(write): \(outcome)")
            Self.expectDivided(fleet, plan)
        }
    }

    @Test("a destination that is not empty is refused before any command is sent")
    func destinationNotEmpty() async throws {
        let plan = try Fixture.plan(source: 3, destination: 3)
        let fleet = ModelFleet(plan: plan)
        let host = plan.destination[2].host
        fleet.change { $0.hosts[host]?.disk = Zxid(7) }
        let outcome = try await Fixture.run(plan, fleet, MemoryJournal())
        #expect(outcome.reason?.contains("\(host): /data is not empty") == true, "\(outcome)")
        #expect(fleet.sent == 0)
    }

    @Test("a source with a node missing is refused before any command is sent")
    func sourceNotWhole() async throws {
        let plan = try Fixture.plan(source: 3, destination: 3)
        let fleet = ModelFleet(plan: plan)
        fleet.change { $0.stop(plan.source[1].host) }
        let outcome = try await Fixture.run(plan, fleet, MemoryJournal())
        #expect(outcome.reason?.contains("\(plan.source[1].host)") == true, "\(outcome)")
        #expect(fleet.sent == 0)
    }

    @Test("rules left over by another run are refused with the way to remove them")
    func residue() async throws {
        let plan = try Fixture.plan(source: 3, destination: 3)
        let fleet = ModelFleet(plan: plan)
        let host = plan.destination[0].host
        fleet.change { $0.hosts[host]?.wall = plan.wall(for: plan.destination[0]) }
        let outcome = try await Fixture.run(plan, fleet, MemoryJournal())
        #expect(outcome.reason?.contains("mitosis rules clean") == true, "\(outcome)")
        #expect(fleet.sent == 0)
    }

    @Test("a file that somebody else changed during the run stops it; the file stays")
    func fileChangedBehindOurBack() async throws {
        let plan = try Fixture.plan(source: 3, destination: 3)
        let fleet = ModelFleet(plan: plan)
        let record = try await Fixture.record(plan, fleet)
        let host = plan.source[0].host
        let foreign = ModelEnsemble.file(plan.sourceMembers) + Data("# foreign\n".utf8)
        fleet.change { $0.hosts[host]?.file = foreign }
        let journal = MemoryJournal()
        try journal.begin(record)
        let outcome = try await Fixture.perform(plan, record, fleet, journal)
        #expect(outcome.reason?.contains("somebody else changed it") == true, "\(outcome)")
        let file = fleet.model.hosts[host]?.file
        #expect(file == foreign)
    }

    @Test("without confirmation nothing of the division is done")
    func declined() async throws {
        let plan = try Fixture.plan(source: 3, destination: 3)
        let fleet = ModelFleet(plan: plan)
        let outcome = try await Fixture.run(plan, fleet, MemoryJournal(), confirm: false)
        #expect(outcome.reason?.contains("not confirmed") == true)
        let walls = fleet.model.performed.filter { if case .installWall = $0.command { true } else { false } }
        #expect(walls.isEmpty)
    }

    @Test("a newer coordinator stops the older one")
    func superseded() async throws {
        let plan = try Fixture.plan(source: 3, destination: 3)
        let fleet = ModelFleet(plan: plan)
        let host = plan.source[0].host
        let none = LeaseState(highestEpoch: FencingEpoch(99), current: nil, holder: nil, expiresAt: nil)
        let record = try await Fixture.record(plan, fleet)
        fleet.change { $0.hosts[host]?.lease = none }
        let journal = MemoryJournal()
        try journal.begin(record)
        let outcome = try await Fixture.perform(plan, record, fleet, journal)
        #expect(outcome.reason?.contains("epoch 99 has taken over") == true, "\(outcome)")
    }

    private static func starts(_ server: PlannedServer, _ fleet: ModelFleet) -> Int? {
        fleet.model.hosts[server.host]?.starts
    }

    /// Once to join, once because one of them led then, once as the destination; the others are held back until the source is rolled.
    private static func expectSeedStarts(_ fleet: ModelFleet, _ plan: MigrationPlan) {
        let first = Set(plan.firstSeeds.map(\.host))
        for server in plan.seeds {
            #expect(starts(server, fleet) == (first.contains(server.host) ? 3 : 2), "\(server.host)")
        }
    }

    static func expectDivided(_ fleet: ModelFleet, _ plan: MigrationPlan) {
        let model = fleet.model
        let violations = model.violations
        #expect(violations.isEmpty)
        for server in plan.source + plan.destination {
            let host = model.hosts[server.host]
            let view = model.isSource(server.host) ? plan.sourceMembers : plan.destinationMembers
            let isOwn = host?.view.map(Set.init) == Set(view)
            let isRestored = host?.file == host?.original
            let hasNoWall = host?.wall == nil
            let serves = model.serves(server.host)
            #expect(isOwn, "\(server.host)")
            #expect(isRestored, "\(server.host)")
            #expect(hasNoWall, "\(server.host)")
            #expect(serves, "\(server.host)")
        }
    }
}

extension Runner.Outcome {
    var isFinished: Bool {
        switch self {
        case .finished: true
        case .rested, .stopped: false
        }
    }

    var reason: String? {
        switch self {
        case .finished, .rested: nil
        case .stopped(let reason, _): reason
        }
    }
}
